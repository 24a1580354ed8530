// The help texts. README.md and docs/operations.md quote them; a test keeps the list of commands whole.

export const usage = `troupe: addresses, durable inboxes and shared state for AI agents

  troupe serve    run a server
  troupe init     register an operator and an agent on a running server, and print three calls to try
  troupe ceilings show how near a running server is to what it can bear
  troupe backup   copy a data directory, also while its server runs
  troupe check    verify a data directory, and repair its journal
  troupe events   follow, export or verify the event log
  troupe remove   remove the content of a message, or the values of a key, everywhere
  troupe version  print the version

troupe COMMAND --help tells more. Exit codes: 0 done, 1 failed or something found, 2 wrong use or wrong config.
`;

const config = `  --set KEY=VALUE   set a config key, for instance --set http.port=8081; may be repeated
  --config FILE     read this file instead of ./troupe.config.json
Every key can also come from the environment: http.port is TROUPE_HTTP_PORT. docs/config.md lists them all.
`;

export const commandUsage = {
  serve: `troupe serve [--set KEY=VALUE]… [--config FILE]

Runs a server until it gets SIGTERM or SIGINT; then it refuses new work, finishes what it has, and ends.
Prints its address, its data directory and, once in the life of a data directory, the admin token. The log is on stderr.

${config}`,
  init: `troupe init [--url URL] [--contact TEXT]

Registers an operator and an agent on a running server, answers its verification challenge, and prints the
credentials and three curl lines to try. Tokens are shown once: keep them.

  --url URL         the server, by default http://127.0.0.1:8080
  --contact TEXT    how the operator can be reached; only its SHA-256 is sent (by default your login name)
`,
  ceilings: `troupe ceilings [--once] [--url URL] [--token TOKEN]

Shows how near each part of a running server is to what it can bear, in the last 5 minutes, and what to do about the
parts that are not ok. Refreshes the table in its place until it is interrupted; docs/metrics.md says what is measured.

  --once            print the table once; so does a command whose output is not a terminal
  --url URL         the server, by default http://127.0.0.1:8080
  --token TOKEN     the admin token, by default that of TROUPE_ADMIN_TOKEN in the environment
`,
  backup: `troupe backup TARGET [--set data_dir=DIR] [--config FILE]

Copies a data directory into the empty or new directory TARGET, while its server runs or not: the tables, what the
journal has beyond them, and the archives of older events (into TARGET/archive, wherever they are). The copy is consistent, holds everything that was acknowledged when the command began, and is
itself a data directory: troupe serve --set data_dir=TARGET starts on it.

${config}`,
  check: `troupe check [DIR] [--repair [--yes]]

Verifies the data directory DIR (by default the configured one) as a server would find it: its tables, and over them the
groups of its journal that are not in them yet. Every key and value can be read, counters equal a recount, nothing is
orphaned, inboxes and events are in order and without gaps, archives and tables together are the whole event log, what
the events tell of agents, messages and keys is what there is, the journal is whole. Reads only. Exit code 1 when it found
something. On a directory whose server is running it checks the state of the moment at which it began.

  --repair          for a journal that is damaged in the middle, on which no server starts: says which groups and events
                    would be lost, and changes nothing (exit code 1); exit code 0 when there is nothing to repair
  --yes             with --repair: moves the damaged segments aside, within the journal's directory, and keeps every
                    group before the damage; refused while a server runs

${config}`,
  events: `troupe events tail [--since N] [--type T,T] [--agent ADDRESS] [--url URL] [--token TOKEN]
troupe events export [DIR] [--since N] [--until N] [--set data_dir=DIR] [--config FILE]
troupe events verify [DIR] [--set data_dir=DIR] [--config FILE]

The event log: everything that was accepted, as JSON lines {seq, ts, type, agent, data}.

  tail              follows a running server: from now on, or from behind event N; a stream that the server cuts off is
                    begun again where it ended
  export            writes the events of a data directory that were durable when it began, its server running or not:
                    behind --since, up to and with --until, out of archives and tables
  verify            reads them all: archives that are whole, numbers without gaps, and an index that agrees; exit code 1
                    when it found something

The archives are those of event_log.archive_dir for the configured data directory, and DIR/archive for any other.

  --url URL         the server, by default http://127.0.0.1:8080
  --token TOKEN     the admin token, where observe.access asks for it; by default that of TROUPE_ADMIN_TOKEN

${config}`,
  remove: `troupe remove state --key KEY --reason TEXT [--url URL] [--token TOKEN]
troupe remove message --id ID --reason TEXT [--url URL] [--token TOKEN]

Removes what a key of the shared state has held up to now, or the content of a message, on a running server: from the
state, the inbox, the event log and every backup made later. What was removed reads "[REDACTED — see
/observe/transparency]" from then on, and the record that this prints is shown there to everybody who may observe. The
same once more prints the same record. May take seconds where the log is long. docs/operations.md says what it cannot reach.

  --key KEY         the key; written again later, it has a new value like any other
  --id ID           the message_id
  --reason TEXT     why, for everybody to read
  --url URL         the server, by default http://127.0.0.1:8080
  --token TOKEN     the admin token, by default that of TROUPE_ADMIN_TOKEN in the environment
`,
  version: `troupe version

Prints the version.
`,
} as const;

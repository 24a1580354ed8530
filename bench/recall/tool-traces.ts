// Sessions of a coding agent with its user, made up: prose, commands, logs and code among one another.

export const TOOL_TRACES = `
# run-1 2026-03-02T10:00
1 user: The nightly job of the billing service is slow, please find out why. Repository: acme/billing
2 assistant: I will start with the job's entry point and its last logs.
3 tool: $ tail -n 3 /var/log/billing/nightly.log\\n02:14:07 INFO reconcile start tenants=412\\n03:51:44 WARN statement timeout=60000 query=select_open_items\\n03:52:01 INFO reconcile done took=5874s
4 assistant: The reconcile step takes 98 minutes; the query select_open_items runs into its timeout.
5 tool: $ psql -c "EXPLAIN ANALYZE ..."\\nSeq Scan on open_items (cost=0.00..913442.10 rows=2104 width=212) (actual time=41233.9..58811.2)
6 assistant: There is no index on open_items(tenant_id, due_on), so each of 412 tenants scans the whole table.
7 user: OK, add one, but we cannot lock the table during the day.
8 assistant: CREATE INDEX CONCURRENTLY open_items_tenant_due ON open_items (tenant_id, due_on); it takes no exclusive lock.
9 tool: CREATE INDEX\\nTime: 184223.117 ms
10 assistant: The index is there. The dry run of the job now takes 71 seconds.
11 user: Great work!
# run-2 2026-03-09T09:30
12 user: CI is red on main since Friday, can you look?
13 tool: FAIL src/invoice/rounding.test.ts > rounds half to even\\nAssertionError: expected 10.13 to equal 10.12
14 assistant: The test expects banker's rounding; commit 9f3ac1d by Noor replaced decimal.js with Math.round.
15 user: She did that for speed. Keep it fast, but the tax office wants half-even.
16 assistant: I will add roundHalfEven(cents) in src/money/rounding.ts, with integers and no library.
17 tool: export function roundHalfEven(value: number): number { const floor = Math.floor(value); const rest = value - floor; if (rest !== 0.5) return Math.round(value); return floor % 2 === 0 ? floor : floor + 1; }
18 tool: Test Files 212 passed (212)\\nDuration 48.20s
19 user: Merge it. And from now on always squash, I don't like merge commits.
20 assistant: Squashed and merged as 41be07c. Noted: squash always.
# run-3 2026-03-17T15:20
21 user: We need the service to run in the new cluster. The registry is registry.acme.dev/team-blue.
22 assistant: I will write the Helm chart. How much memory may a pod take?
23 user: 768Mi, and two replicas. Secrets are in Vault under kv/billing/prod.
24 tool: Error: ImagePullBackOff registry.acme.dev/team-blue/billing:3.9.0 unauthorized
25 assistant: The cluster lacks the pull secret. I will create regcred from the robot account.
26 tool: pod/billing-6d9c7 1/1 Running\\npod/billing-x2k4v 1/1 Running
27 user: Nice. Never deploy on Fridays, by the way, operations is thin then.
28 assistant: Understood, no deployments on Fridays.
29 user: And please write commit messages in English, my colleague in Porto reads them too.
# run-4 2026-03-25T11:00
30 user: Memory of the pods climbs until they are killed, every six hours or so.
31 tool: OOMKilled exitCode=137 restarts=9 lastState=2026-03-25T08:12:40Z
32 assistant: A heap snapshot shows 1.9 million entries in pdfCache, a Map in src/render/pdf-cache.ts that nothing ever empties.
33 user: Who put that there?
34 assistant: It came with the template feature, pull request 588 by Joaquin, in February.
35 assistant: I replaced it with an LRU of 500 entries; after an hour the heap stays at 210 MB.
36 tool: heapUsed=209.8MB external=14.2MB rss=301MB
37 user: Perfect, ship it on Thursday.
# run-5 2026-04-06T10:10
38 user: Customers in Brazil get receipts with the wrong time of day.
39 assistant: formatReceipt() uses the server's zone. I'd read tenant.timezone, which holds America/Sao_Paulo for them.
40 tool: TypeError: Cannot read properties of undefined (reading 'timezone') at formatReceipt (src/receipt/format.ts:31:24)
41 assistant: Old tenants have no settings row. I fall back to UTC for these 17 tenants and log their ids.
42 user: Better run a migration that fills the setting from their country.
43 assistant: Migration 0047_tenant_timezone.sql fills it for 16 of them; tenant 9021 has no country at all.
44 user: I'll ask the account manager about 9021.
# run-6 2026-04-15T16:45
45 user: The webhook endpoint was attacked tonight, somebody replayed old events.
46 assistant: verifySignature() checks the HMAC but not the timestamp. I propose to refuse what is older than five minutes.
47 user: Do that, and store the ids that we saw for a day.
48 tool: redis-cli SET webhook:seen:evt_8812 1 EX 86400 NX\\nOK
49 assistant: Both are in. Replays get 409 now; the load test shows 0.3 ms more per call.
50 user: What was the secret's name again?
51 assistant: WEBHOOK_SIGNING_KEY, read from Vault at start and rotated each quarter.
# run-7 2026-04-29T09:15
52 user: Upgrade Node from 18 to 20, please.
53 tool: npm ERR! node-gyp rebuild failed: canvas@2.9.0 does not support Node 20
54 assistant: canvas 2.9 does not build there. Version 2.11.2 does, its API is the same for us.
55 tool: Tests 1 failed | 1893 passed\\nsrc/mail/smtp.test.ts ECONNREFUSED ::1:2525
56 assistant: Node resolves localhost to ::1 first now. I bind the fake SMTP server to 127.0.0.1 explicitly in the test.
57 user: Good. Leave the Dockerfile of the legacy importer alone, it stays on 16.
58 assistant: Left as it is. Everything else is on 20.
? cause | Why did reconciliation take more than an hour and a half? | 4 6
? fact | What did we do to the database so that the job got fast without blocking it? | 8
? fact | How long does the reconcile job run since the fix? | 10
? cause | Which change made the rounding test go red, and whose was it? | 14
? preference | How does the user want pull requests to be merged? | 19
? preference | On which day must nothing be rolled out? | 27
? preference | Which language are commits to be written in? | 29
? fact | Where do credentials of production live? | 23
? fact | How much RAM does a pod get? | 23
? cause | What made containers run out of memory? | 32
? fact | Who introduced the PDF cache? | 34
? cause | Why did reading tenant.timezone throw? | 40 41
? status | Which tenant still needs somebody to look at it? | 43 44
? procedure | How do we protect ourselves against webhook replays? | 46 47
? fact | What is the environment variable with the key for signatures called? | 51
? cause | What failed in the SMTP test after the Node upgrade? | 55 56
? preference | Which part must not be touched by the Node upgrade? | 57
? fact | ImagePullBackOff | 24 25
`;

// Stack probe
//
// Where a worker thread is that answers nobody: it is stopped for a moment through the inspector of this process, its stack
// and the turn it is in are read, and it goes on. Costs the thread nothing until then, and some 30 ms.
//
// Source: the Chrome DevTools Protocol (Debugger), and Node's NodeWorker domain, which reaches the workers of a process.

import { Session } from 'node:inspector';

/** A thread that does not stop in this time is in native code, or gone. */
const PROBE_WAIT_MS = 2_000;
const FRAMES_MAX = 20;
/** The function of turn-runner.ts that has the cell and its envelope in variables of these names. */
const RUNNER = 'runTurn';
const TURN_EXPRESSION = 'JSON.stringify([cell.address, cell.messageName(envelope.message)])';

export interface StackProbe {
  /** Undefined when it was in no turn. */
  readonly address: string | undefined;
  readonly message: string | undefined;
  /** The innermost frame first, one on a line. */
  readonly stack: string;
}

interface Frame {
  readonly callFrameId: string;
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
}

/** What the thread's debugger says: an event, or the answer to a request. */
interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly callFrames?: readonly Frame[]; readonly scriptId?: string; readonly url?: string };
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

/** Undefined when the thread could not be stopped. */
export function probeStack(threadId: number): Promise<StackProbe | undefined> {
  return new Promise((resolve) => new Probe(String(threadId), resolve).start());
}

class Probe {
  readonly #threadId: string;
  readonly #session = new Session();
  readonly #late: NodeJS.Timeout;
  readonly #resolve: (probe: StackProbe | undefined) => void;
  #sessionId: string | undefined;
  #requests = 0;
  #frames: readonly Frame[] = [];
  /** Where each script came from, by its number in the thread. */
  readonly #urls = new Map<string, string>();
  #isOver = false;

  constructor(threadId: string, resolve: (probe: StackProbe | undefined) => void) {
    this.#threadId = threadId;
    this.#resolve = resolve;
    this.#late = setTimeout(() => this.#end(undefined), PROBE_WAIT_MS);
  }

  start(): void {
    const session = this.#session;
    session.connect();
    session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      // The first number of `[worker 2] shard-1` is the thread's; `workerId` is a count of the inspector's own.
      if (/\d+/.exec(workerInfo.title)?.[0] !== this.#threadId) return;
      this.#sessionId = sessionId;
      this.#send('Debugger.enable');
      this.#send('Debugger.pause');
    });
    session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
      if (sessionId === this.#sessionId) this.#hear(JSON.parse(message) as Said);
    });
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  #hear({ method, params, result }: Said): void {
    if (method === 'Debugger.scriptParsed') {
      this.#urls.set(params?.scriptId ?? '', params?.url ?? '');
    } else if (method === 'Debugger.paused') {
      this.#frames = params?.callFrames ?? [];
      const runner = this.#frames.find(({ functionName }) => functionName === RUNNER);
      if (runner === undefined) this.#tell(undefined, undefined);
      else this.#send('Debugger.evaluateOnCallFrame', { callFrameId: runner.callFrameId, expression: TURN_EXPRESSION });
    } else if (result !== undefined && 'result' in result) {
      const { value } = result.result ?? {};
      const [address, message] = typeof value === 'string' ? (JSON.parse(value) as string[]) : [];
      this.#tell(address, message);
    }
  }

  #tell(address: string | undefined, message: string | undefined): void {
    this.#send('Debugger.resume');
    const lines = this.#frames.slice(0, FRAMES_MAX).map((frame) => this.#lineOf(frame));
    this.#end({ address, message, stack: lines.join('\n') });
  }

  /** As in Error.stack; the debugger counts lines and columns from 0. */
  #lineOf({ functionName, location: { scriptId, lineNumber, columnNumber = 0 } }: Frame): string {
    const place = `${this.#urls.get(scriptId) ?? ''}:${lineNumber + 1}:${columnNumber + 1}`;
    return `    at ${functionName === '' ? '<anonymous>' : functionName} (${place})`;
  }

  #send(method: string, params: object = {}): void {
    if (this.#sessionId === undefined) return;
    const message = JSON.stringify({ id: ++this.#requests, method, params });
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId: this.#sessionId, message });
  }

  #end(probe: StackProbe | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#late);
    this.#send('Debugger.disable');
    this.#session.post('NodeWorker.disable');
    this.#session.disconnect();
    this.#resolve(probe);
  }
}

import type { MessagePort, Worker } from 'node:worker_threads';
import { asError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Thread, ThreadEvents } from '../ports/threads.ts';

/** What our threads need is little; one that wanted more would have lost count of something. */
const HEAP_MAX_MB = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 96 } as const;

interface StartData {
  readonly port: MessagePort;
  /** Of the system's monotonic clock, which all threads share, when that of the starter showed zero; milliseconds. */
  readonly clockZeroMs: number;
  readonly data: unknown;
}

/** What a thread has of the one that started it. */
export interface ParentThread {
  readonly data: unknown;
  /** With the monotonic time of the one that started it. */
  readonly clock: Clock;
  /** @param message plain data */
  readonly say: (message: unknown) => void;
  readonly onSaid: (hear: (message: unknown) => void) => void;
}

/** A thread of Node.js. Loaded only where one is started: most programs start none. */
export function startThread(program: URL, data: unknown, events: ThreadEvents): Thread {
  const { MessageChannel, Worker, receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
  const { port1: own, port2: port } = new MessageChannel();
  const clockZeroMs = systemMonotonicMs() - performance.now();
  const worker: Worker = new Worker(program, {
    name: 'odradek',
    workerData: { port, clockZeroMs, data } satisfies StartData,
    transferList: [port],
    resourceLimits: HEAP_MAX_MB,
  });
  let isOver = false;
  const fail = (error: Error): void => {
    if (isOver) return;
    isOver = true;
    own.close();
    events.failed(error);
  };
  worker.on('error', (error) => fail(asError(error)));
  worker.on('exit', (code) => fail(new Error(`it ended with code ${code}`)));
  own.on('message', (message: unknown) => {
    if (!isOver) events.said(message);
  });
  worker.unref();
  own.unref();
  return {
    say: (message) => own.postMessage(message),
    takeIn() {
      for (;;) {
        if (isOver) return;
        const taken = receiveMessageOnPort(own) as { message: unknown } | undefined;
        if (taken === undefined) return;
        events.said(taken.message);
      }
    },
    end() {
      isOver = true;
      own.close();
      void worker.terminate();
    },
  };
}

/** For programs of `startThread`. Null in what was not started so. */
export function parentThread(): ParentThread | null {
  const { isMainThread, workerData } = process.getBuiltinModule('node:worker_threads');
  if (isMainThread || !isStartData(workerData)) return null;
  const { port, clockZeroMs, data } = workerData;
  return {
    data,
    clock: { now: () => Date.now(), monotonic: () => systemMonotonicMs() - clockZeroMs },
    say: (message) => port.postMessage(message),
    onSaid: (hear) => void port.on('message', hear),
  };
}

function isStartData(data: unknown): data is StartData {
  return typeof data === 'object' && data !== null && 'clockZeroMs' in data;
}

function systemMonotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

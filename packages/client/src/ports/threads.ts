/** What a thread tells its owner. Events never come before `start` has returned. */
export interface ThreadEvents {
  said(message: unknown): void;
  /** It ended without being told to, or never began. Comes once, and nothing after it. */
  failed(error: Error): void;
}

/** A program beside the event loop, which goes on while the loop is blocked. It keeps no process alive. */
export interface Thread {
  /** @param message plain data; lost once the thread has ended */
  say(message: unknown): void;
  /** Has `said` told at once of what has come, within the turn of the event loop at hand. */
  takeIn(): void;
  /** Nothing is told any more. */
  end(): void;
}

/** Starts threads. */
export interface Threads {
  /**
   * @param program a module that takes its side of the conversation by `parentThread`
   * @param data plain data that it gets from the start
   */
  start(program: URL, data: unknown, events: ThreadEvents): Thread;
}

/** Time as the client sees it. Adapters: the machine's clocks, or virtual time. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, which may step: for record timestamps only. */
  now(): number;
  /** Milliseconds from some fixed point, never going back: for deadlines and durations. */
  monotonic(): number;
}

/** A timer that was set and has not fired. */
export interface Timer {
  /** Does nothing when the timer has fired. */
  cancel(): void;
}

/** Calls back once time has passed. The one source of delayed work in the client. */
export interface Timers {
  /**
   * @param delayMs from now, 0 or more; the call never comes before this function has returned
   * @param fire runs at most once
   */
  after(delayMs: number, fire: () => void): Timer;
}

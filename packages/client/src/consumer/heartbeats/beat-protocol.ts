import type { Coordinator } from '../../cluster/coordinators.ts';

/** When what is said to keep a place is said again, and how long the answer may take; milliseconds. */
export interface BeatTiming {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * How members keep their place in a group, by one of the two protocols. What a member says, a beat, is plain data that
 * can go from thread to thread, and so is what the coordinator answers.
 */
export interface BeatProtocol<Beat, Answer> {
  /** One exchange, without retries. @throws ConnectionError, RequestTimeoutError, KafkaError, UnsupportedApiError */
  send(coordinator: Coordinator, beat: Beat, timeoutMs: number): Promise<Answer>;
  /** What keeps the place on after an answer, or null when there is none to keep. */
  next(beat: Beat, answer: Answer): Beat | null;
  /** The same after an exchange of which nobody knows what became of it. */
  nextAfterFailure(beat: Beat): Beat | null;
  /** A beat from somebody who may not have heard the last answers, which `kept` was made of. */
  broughtUpToDate(beat: Beat, kept: Beat): Beat;
  /** As the coordinator wants it, milliseconds; null when it does not say. */
  intervalMs(answer: Answer): number | null;
  /** Gives the place up; members with an instance id keep it where the protocol says so. */
  leave(coordinator: Coordinator, beat: Beat): Promise<void>;
}

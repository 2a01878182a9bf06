import type { Coordinator } from '../../cluster/coordinators.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BeatProtocol, BeatTiming } from './beat-protocol.ts';

/** What a member hears that keeps its place. */
export interface HeartbeatEvents<Answer> {
  /** @param sentAtMs when that was sent which is answered here, monotonic */
  heard(answer: Answer, sentAtMs: number): void;
  /** The place was given up in the member's name, since its event loop was blocked for too long. */
  left(reason: Error): void;
  /** Nobody can keep the place any more. */
  failed(error: Error): void;
}

/** Who says what keeps a member's place, one exchange after the other. */
export interface Heartbeats<Beat> {
  /**
   * Resolves once the answer was `heard`, or is not wanted any more.
   *
   * @throws what kept it from coming
   */
  send(beat: Beat, timing: BeatTiming): Promise<void>;
  /** There is a place to keep from now on; nothing is said at once. */
  keep(beat: Beat, timing: BeatTiming): void;
  /** There is no place to keep until the next `send` or `keep`: what is still answered is not told of. */
  rest(): void;
  /** Has told at once what was heard while the event loop was blocked. */
  catchUp(): void;
  /** For good. */
  end(): void;
}

/** The event loop says it all itself: nothing is said while it is blocked. */
export class LoopHeartbeats<Beat, Answer> implements Heartbeats<Beat> {
  private readonly coordinator: Coordinator;
  private readonly clock: Clock;
  private readonly protocol: BeatProtocol<Beat, Answer>;
  private readonly events: HeartbeatEvents<Answer>;
  /** Counts rests. */
  private term = 0;

  constructor(
    coordinator: Coordinator,
    clock: Clock,
    protocol: BeatProtocol<Beat, Answer>,
    events: HeartbeatEvents<Answer>,
  ) {
    this.coordinator = coordinator;
    this.clock = clock;
    this.protocol = protocol;
    this.events = events;
  }

  async send(beat: Beat, { timeoutMs }: BeatTiming): Promise<void> {
    const { term } = this;
    const sentAtMs = this.clock.monotonic();
    const answer = await this.protocol.send(this.coordinator, beat, timeoutMs);
    if (term === this.term) this.events.heard(answer, sentAtMs);
  }

  keep(): void {
    // Its timer comes, or it is blocked.
  }

  rest(): void {
    this.term++;
  }

  catchUp(): void {
    // What was heard came through the event loop.
  }

  end(): void {
    this.rest();
  }
}

import type { Coordinator } from '../../cluster/coordinators.ts';
import type { Timer } from '../../ports/clock.ts';
import type { ClientEnvironment } from '../../ports/environment.ts';
import type { BeatProtocol, BeatTiming } from './beat-protocol.ts';
import { toldError, type FromKeeper, type ToKeeper } from './thread-messages.ts';

/** The event loop may be so much later than it should, as a share of the interval, until its part is done for it. */
const LATENESS_SHARE = 0.25;
/** After an exchange that came to nothing the next follows sooner than the interval says, milliseconds. */
const RETRY_MS = 1_000;

interface Place<Beat> {
  readonly term: number;
  readonly beat: Beat;
  readonly timing: BeatTiming;
}

/**
 * Keeps a member's place in its group, in a thread of its own: says what the event loop asks it to say, and goes on by
 * itself when the loop falls silent. Everything goes out here, one exchange at a time, so that the coordinator hears
 * one member and not two. After `silenceMaxMs` the place is given up: whoever blocks the loop is not coming back.
 */
export class PlaceKeeper<Beat, Answer> {
  private readonly environment: ClientEnvironment;
  private readonly coordinator: Coordinator;
  private readonly protocol: BeatProtocol<Beat, Answer>;
  private readonly silenceMaxMs: number;
  private readonly tell: (message: FromKeeper) => void;
  private term = 0;
  private place: Place<Beat> | null = null;
  /** By the event loop, and not said yet. */
  private asked: Place<Beat> | null = null;
  private isBusy = false;
  private timer: Timer | null = null;
  /** Monotonic time from which on it is up to the event loop to say something. */
  private silentSinceMs = 0;

  constructor(
    environment: ClientEnvironment,
    coordinator: Coordinator,
    protocol: BeatProtocol<Beat, Answer>,
    silenceMaxMs: number,
    tell: (message: FromKeeper) => void,
  ) {
    this.environment = environment;
    this.coordinator = coordinator;
    this.protocol = protocol;
    this.silenceMaxMs = silenceMaxMs;
    this.tell = tell;
  }

  /** What the event loop says. */
  hear(message: Exclude<ToKeeper, { kind: 'token' }>): void {
    this.silentSinceMs = this.nowMs;
    this.term = message.term;
    if (message.kind === 'rest') return this.drop();
    const said: Place<Beat> = { beat: message.beat as Beat, term: message.term, timing: message.timing };
    if (message.kind === 'keep') return this.keep(said, latenessMs(said.timing));
    this.asked = said;
    void this.work();
  }

  private get nowMs(): number {
    return this.environment.clock.monotonic();
  }

  private drop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.place = null;
    this.asked = null;
  }

  /** @param withinMs the event loop has to say something */
  private keep(place: Place<Beat>, withinMs: number): void {
    this.place = place;
    this.timer?.cancel();
    this.timer = this.environment.timers.after(withinMs, () => void this.goOn());
  }

  /** The event loop is late. */
  private async goOn(): Promise<void> {
    const { place } = this;
    if (place === null || this.isBusy) return;
    if (this.nowMs - this.silentSinceMs > this.silenceMaxMs) return this.giveUp(place);
    this.isBusy = true;
    await this.exchange(place, false);
    this.isBusy = false;
    await this.work();
  }

  private async giveUp({ term, beat }: Place<Beat>): Promise<void> {
    this.drop();
    this.tell({ kind: 'left', term });
    // Where it does not get through the session timeout does the same later.
    await this.protocol.leave(this.coordinator, beat).catch(() => undefined);
  }

  /** Says what the event loop has asked for. */
  private async work(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.asked !== null) {
      const { asked, place } = this;
      this.asked = null;
      const beat = place === null ? asked.beat : this.protocol.broughtUpToDate(asked.beat, place.beat);
      await this.exchange({ ...asked, beat }, true);
      this.silentSinceMs = this.nowMs;
    }
    this.isBusy = false;
  }

  private async exchange({ term, beat, timing }: Place<Beat>, wasAsked: boolean): Promise<void> {
    const { protocol } = this;
    const sentAtMs = this.nowMs;
    try {
      const answer = await protocol.send(this.coordinator, beat, timing.timeoutMs);
      const intervalMs = protocol.intervalMs(answer) ?? timing.intervalMs;
      this.settle(term, protocol.next(beat, answer), { ...timing, intervalMs }, false);
      this.tell({ kind: 'heard', term, answer, sentAtMs, wasAsked });
    } catch (error) {
      this.settle(term, protocol.nextAfterFailure(beat), timing, true);
      if (wasAsked) this.tell({ kind: 'unheard', term, error: toldError(error) });
    }
  }

  /** What becomes of the place, unless the event loop has let go of it meanwhile. */
  private settle(term: number, next: Beat | null, timing: BeatTiming, isRetry: boolean): void {
    if (term !== this.term) return;
    if (next === null) this.place = null;
    else this.keep({ term, beat: next, timing }, isRetry ? retryMs(timing) : latenessMs(timing));
  }
}

/** Well before the session ends, where the interval is not much shorter. */
function latenessMs({ intervalMs, timeoutMs }: BeatTiming): number {
  return Math.min(intervalMs * (1 + LATENESS_SHARE), Math.max(intervalMs, (intervalMs + timeoutMs) / 2));
}

function retryMs({ intervalMs }: BeatTiming): number {
  return Math.min(intervalMs, RETRY_MS);
}

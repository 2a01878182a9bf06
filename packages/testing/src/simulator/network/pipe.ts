import type { SeededRandom } from '../../seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';

/** The system's side of the receiving end of one direction. */
export interface PipeEnd {
  received(bytes: Buffer): void;
  /** The other side sends no more. */
  ended(): void;
  /** The connection is gone. */
  reset(): void;
}

/** How long a packet takes, milliseconds. */
export interface Latency {
  readonly minMs: number;
  readonly maxMs: number;
}

/** What a direction has to know of the network. */
export interface Ways {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly latency: Latency;
  isBlocked(from: string, to: string): boolean;
  isDown(host: string): boolean;
}

type Item = (end: PipeEnd | null) => void;

/** Bytes that the sender's system holds before a writer has to wait. */
const SEND_BUFFER_BYTES = 128 * 1024;

/**
 * One direction of one connection: bytes in their order, each chunk after some time, none lost but all behind a
 * cut. What is sent while the way is blocked waits, as TCP sends again until it gets through.
 */
export class Pipe {
  readonly from: string;
  readonly toHost: string;
  private readonly network: Ways;
  private readonly forget: () => void;
  private end: PipeEnd | null = null;
  private held: Item[] = [];
  private lastArrivalMs = 0;
  private isOver = false;
  private unsentBytes = 0;
  private writers: (() => void)[] = [];

  constructor(network: Ways, from: string, to: string, forget: () => void) {
    this.network = network;
    this.from = from;
    this.toHost = to;
    this.forget = forget;
  }

  to(end: PipeEnd): void {
    this.end = end;
  }

  /** @param taken is called once the sender's system has room again */
  send(bytes: Buffer, taken: () => void): void {
    const copy = Buffer.from(bytes);
    this.unsentBytes += copy.length;
    this.put((end) => {
      this.unsentBytes -= copy.length;
      if (this.unsentBytes < SEND_BUFFER_BYTES) for (const writer of this.writers.splice(0)) writer();
      for (const chunk of this.chunksOf(copy)) end?.received(chunk);
    });
    if (this.unsentBytes < SEND_BUFFER_BYTES) taken();
    else this.writers.push(taken);
  }

  /** No more bytes follow. */
  finish(): void {
    this.put((end) => end?.ended());
  }

  /** The sender lets go of the connection without farewell. */
  reset(): void {
    this.put((end) => {
      this.close();
      end?.reset();
    });
  }

  /** The connection breaks here and now, whatever is on its way. */
  cut(): void {
    if (this.isOver) return;
    this.close();
    const { end } = this;
    this.network.time.after(this.latencyMs(), () => end?.reset());
  }

  /** Something of the connection's own, in its turn. */
  control(arrived: () => void): void {
    this.put(() => arrived());
  }

  /** Nobody sends or hears here any more. */
  close(): void {
    this.isOver = true;
    this.held = [];
    this.writers = [];
    this.forget();
  }

  /** The way is free again. */
  release(): void {
    const { held } = this;
    this.held = [];
    for (const item of held) this.put(item);
  }

  private put(item: Item): void {
    const { network, from, toHost } = this;
    if (this.isOver || network.isDown(from)) return;
    if (network.isBlocked(from, toHost)) {
      this.held.push(item);
      return;
    }
    this.lastArrivalMs = Math.max(this.lastArrivalMs, network.time.nowMs + this.latencyMs());
    network.time.after(this.lastArrivalMs - network.time.nowMs, () => {
      if (!this.isOver && !network.isDown(toHost)) item(this.end);
    });
  }

  private latencyMs(): number {
    const { minMs, maxMs } = this.network.latency;
    const { random } = this.network;
    // Now and then one packet is late, and those behind it with it.
    const factor = random.chance(0.01) ? 20 : 1;
    return (minMs + random.fraction() * (maxMs - minMs)) * factor;
  }

  /** TCP keeps no boundaries. */
  private chunksOf(bytes: Buffer): Buffer[] {
    const { random } = this.network;
    if (bytes.length < 2 || random.chance(0.9)) return [bytes];
    const at = 1 + random.below(bytes.length - 1);
    return [bytes.subarray(0, at), bytes.subarray(at)];
  }
}

import { BadAnswerError, ConnectionError, RequestTimeoutError, asError } from '../errors.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { Address, ClientSocket } from '../ports/sockets.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { TlsOptions } from './tls-options.ts';
import { WakeUp } from './wake-up.ts';

const CORRELATION_ID_MASK = 0x7fffffff;

export interface LinkOptions {
  /** Deadline for the TCP connection, milliseconds. */
  readonly connectTimeoutMs: number;
  /** An announced answer above this ends the link. */
  readonly frameSizeMaxBytes: number;
  /** Null for a connection in the clear. */
  readonly tls: TlsOptions | null;
}

interface PendingAnswer {
  readonly timeoutMs: number;
  /** Monotonic. */
  readonly deadlineMs: number;
  readonly resolve: (frame: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One socket with requests and answers matched by correlation id; it knows nothing of their contents.
 *
 * Requests are pipelined. The first irregularity ends the link: an answer that nobody waits for, an impossible
 * length, a request without an answer in time (a later answer could not be told apart from a lost one). All
 * that wait then fail, and the owner opens a new link.
 */
export class Link {
  private readonly environment: ClientEnvironment;
  private readonly address: Address;
  private readonly pending = new Map<number, PendingAnswer>();
  private readonly splitter: FrameSplitter;
  /** One timer for all that wait: one for each would cost as much as the rest of a small request. */
  private readonly deadlines: WakeUp;
  private socket: ClientSocket | null = null;
  private correlationId = 0;
  private failure: Error | null = null;
  private retirement: Error | null = null;
  private onConnected: (() => void) | null = null;
  private onFailed: ((error: Error) => void) | null = null;

  private constructor(environment: ClientEnvironment, address: Address, frameSizeMaxBytes: number) {
    this.environment = environment;
    this.address = address;
    this.splitter = new FrameSplitter(frameSizeMaxBytes, (frame) => this.answer(frame));
    this.deadlines = new WakeUp(environment, () => this.checkDeadlines());
  }

  /** @throws ConnectionError when there is no connection by the deadline */
  static connect(environment: ClientEnvironment, address: Address, options: LinkOptions): Promise<Link> {
    const link = new Link(environment, address, options.frameSizeMaxBytes);
    return new Promise((resolve, reject) => {
      const timer = environment.timers.after(options.connectTimeoutMs, () =>
        link.end(new Error(`no connection within ${Math.ceil(options.connectTimeoutMs)} ms`)),
      );
      link.onConnected = () => {
        timer.cancel();
        resolve(link);
      };
      link.onFailed = (error) => {
        timer.cancel();
        reject(error);
      };
      link.start(options.tls);
    });
  }

  /** Why the link ended, or null while it is up. */
  get ended(): Error | null {
    return this.failure;
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.pending.size;
  }

  /**
   * Sends one request and waits for the frame of its answer, correlation id included.
   *
   * @param frameOf the whole frame, length included, for a correlation id
   * @throws ConnectionError, RequestTimeoutError
   */
  exchange(frameOf: (correlationId: number) => readonly Buffer[], timeoutMs: number): Promise<Buffer> {
    if (this.failure !== null) return Promise.reject(this.lost(true));
    const correlationId = this.nextCorrelationId();
    const frame = frameOf(correlationId);
    return new Promise((resolve, reject) => {
      const deadlineMs = this.environment.clock.monotonic() + timeoutMs;
      this.pending.set(correlationId, { timeoutMs, deadlineMs, resolve, reject });
      this.deadlines.at(deadlineMs);
      this.socket!.write(frame);
    });
  }

  /** Sends one request that has no answer. @throws ConnectionError when the link has ended */
  send(frameOf: (correlationId: number) => readonly Buffer[]): void {
    if (this.failure !== null) throw this.lost(true);
    this.socket!.write(frameOf(this.nextCorrelationId()));
  }

  /** Ends the link; everything that waits fails with `reason`. */
  end(reason: Error): void {
    if (this.failure !== null) return;
    this.failure = reason;
    this.deadlines.cancel();
    this.socket?.destroy();
    this.onFailed?.(this.lost(true));
    for (const answer of this.pending.values()) {
      answer.reject(reason instanceof RequestTimeoutError ? reason : this.lost(false));
    }
    this.pending.clear();
  }

  private start(tls: TlsOptions | null): void {
    const events = {
      connected: () => this.onConnected?.(),
      received: (bytes: Buffer) => this.received(bytes),
      room: () => this.splitter.room,
      closed: (error: Error | null) => this.end(error ?? new Error('the broker closed the connection')),
    };
    this.socket = this.environment.sockets.connect(this.address, events, tls);
    // The first outcome settles the promise of `connect`, later calls of its callbacks change nothing.
  }

  /** Ends the link once nothing waits for an answer any more. */
  retire(reason: Error): void {
    this.retirement = reason;
    if (this.pending.size === 0) this.end(reason);
  }

  private received(bytes: Buffer): void {
    if (this.failure !== null) return;
    try {
      this.splitter.push(bytes);
    } catch (error) {
      this.end(asError(error));
    }
  }

  private answer(frame: Buffer): void {
    if (this.failure !== null) return;
    const correlationId = frame.readInt32BE(0);
    const answer = this.pending.get(correlationId);
    if (answer === undefined) {
      throw new BadAnswerError(
        `${this.name} answered correlation id ${correlationId}, which no request waits for`,
      );
    }
    this.pending.delete(correlationId);
    answer.resolve(frame);
    if (this.retirement !== null && this.pending.size === 0) this.end(this.retirement);
  }

  private checkDeadlines(): void {
    const nowMs = this.environment.clock.monotonic();
    for (const { deadlineMs, timeoutMs } of this.pending.values()) {
      if (deadlineMs <= nowMs) {
        const message = `${this.name} did not answer within ${Math.ceil(timeoutMs)} ms`;
        return this.end(new RequestTimeoutError(message));
      }
      this.deadlines.at(deadlineMs);
    }
  }

  private nextCorrelationId(): number {
    do this.correlationId = (this.correlationId + 1) & CORRELATION_ID_MASK;
    while (this.pending.has(this.correlationId));
    return this.correlationId;
  }

  private lost(unsent: boolean): ConnectionError {
    const reason = this.failure!;
    return new ConnectionError(`${this.name}: ${reason.message}`, { cause: reason, unsent });
  }

  private get name(): string {
    return `${this.address.host}:${this.address.port}`;
  }
}

import type { Clock, Timer, Timers } from '@odradek/core/ports/clock.ts';
import type { WatchEvent } from '@odradek/core/ports/coordination.ts';
import { AnswerFrames } from './answer-frames.ts';
import { serverName, type ServerAddress } from './connect-string.ts';
import { JuteReader, ZookeeperProtocolError } from './jute-reader.ts';
import type { Link, OpenLink } from './link.ts';
import { dutyAt } from './liveness.ts';
import {
  connectFrame,
  pingFrame,
  readConnectResponse,
  readNotification,
  readReplyHeader,
  type ConnectRequest,
  type ConnectResponse,
  type ReplyHeader,
} from './messages.ts';
import { ANSWER_SIZE_MAX_BYTES, Xid } from './wire-constants.ts';

export interface ConnectionParts {
  readonly openLink: OpenLink;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface ConnectionEvents {
  /** The server has answered the handshake, which was sent at `sentMs`. */
  accepted(response: ConnectResponse, sentMs: number): void;
  /** The server has answered something that was sent at `sentMs`, so it knew of the session then. */
  proven(sentMs: number): void;
  changed(event: WatchEvent): void;
  /** The connection is over; nothing comes after this. */
  lost(reason: string): void;
}

/** Gets the answer to one frame. May throw ZookeeperProtocolError. */
export type Answered = (header: ReplyHeader, reader: JuteReader) => void;

interface Exchange {
  readonly xid: number;
  readonly sentMs: number;
  readonly answered: Answered;
}

const XID_MAX = 0x7fffffff;

/**
 * One connection with one server of the ensemble: handshake, frames, the pairing of answers with requests, pings and
 * deadlines. It ends with `lost`, once, whatever happens: an error of the network, silence, an answer that is out of
 * order or makes no sense. What was sent and not answered has an unknown outcome then.
 *
 * Holds at most one incomplete answer (16 MiB), and what its user chose to send without waiting.
 */
export class ZookeeperConnection {
  readonly server: ServerAddress;
  private readonly parts: ConnectionParts;
  private readonly events: ConnectionEvents;
  private readonly handshake: ConnectRequest;
  private readonly frames = new AnswerFrames(ANSWER_SIZE_MAX_BYTES);
  private readonly link: Link;
  /** Requests of the sequence, and apart from them those with a number of their own, by it. */
  private readonly unanswered = new Map<number | 'sequence', Exchange[]>();
  private timer: Timer;
  private sessionTimeoutMs: number | null = null;
  private lastXid = 0;
  private handshakeSentMs = 0;
  private sentMs: number;
  private receivedMs: number;
  private isOver = false;

  /** @param attemptTimeoutMs until the answer to the handshake */
  constructor(
    parts: ConnectionParts,
    server: ServerAddress,
    handshake: ConnectRequest,
    attemptTimeoutMs: number,
    events: ConnectionEvents,
  ) {
    this.parts = parts;
    this.server = server;
    this.events = events;
    this.handshake = handshake;
    this.sentMs = this.receivedMs = parts.clock.monotonic();
    this.timer = parts.timers.after(attemptTimeoutMs, () =>
      this.lose(`no session from it within ${Math.round(attemptTimeoutMs)} ms`),
    );
    this.link = parts.openLink(server, {
      opened: () => this.shakeHands(),
      received: (chunk) => this.receive(chunk),
      closed: (reason) => this.lose(reason),
    });
  }

  /** How many requests of the sequence have no answer. */
  get inFlight(): number {
    return this.unanswered.get('sequence')?.length ?? 0;
  }

  /** Sends a request of the sequence, whose number is put into the frame. */
  send(frame: Buffer, answered: Answered): void {
    this.lastXid = this.lastXid === XID_MAX ? 1 : this.lastXid + 1;
    frame.writeInt32BE(this.lastXid, 4);
    this.sendAs(this.lastXid, 'sequence', frame, answered);
  }

  /** Sends a frame that has its number already: authentication or watches. */
  sendSpecial(xid: number, frame: Buffer, answered: Answered): void {
    this.sendAs(xid, xid, frame, answered);
  }

  /** Gives the server up. */
  lose(reason: string): void {
    if (this.isOver) return;
    this.end();
    this.events.lost(`${serverName(this.server)}: ${reason}`);
  }

  /** Ends without telling. */
  end(): void {
    this.isOver = true;
    this.timer.cancel();
    this.link.destroy();
  }

  private shakeHands(): void {
    if (this.isOver) return;
    this.handshakeSentMs = this.parts.clock.monotonic();
    this.link.write(connectFrame(this.handshake));
  }

  private sendAs(xid: number, key: number | 'sequence', frame: Buffer, answered: Answered): void {
    if (this.isOver) return;
    this.sentMs = this.parts.clock.monotonic();
    const exchange = { xid, sentMs: this.sentMs, answered };
    const queue = this.unanswered.get(key);
    if (queue === undefined) this.unanswered.set(key, [exchange]);
    else queue.push(exchange);
    this.link.write(frame);
  }

  private receive(chunk: Buffer): void {
    if (this.isOver) return;
    this.receivedMs = this.parts.clock.monotonic();
    this.frames.push(chunk);
    try {
      while (!this.isOver) {
        const frame = this.frames.next();
        if (frame === null) return;
        if (this.sessionTimeoutMs === null) this.takeHandshake(frame);
        else this.takeFrame(frame);
      }
    } catch (error) {
      // Of this protocol or of its frames: callers' mistakes do not come here.
      this.lose((error as Error).message);
    }
  }

  private takeHandshake(frame: Buffer): void {
    const response = readConnectResponse(frame);
    this.sessionTimeoutMs = response.sessionTimeoutMs;
    this.timer.cancel();
    this.events.accepted(response, this.handshakeSentMs);
    if (!this.isOver) this.watchTheTime();
  }

  private takeFrame(frame: Buffer): void {
    const reader = new JuteReader(frame);
    const header = readReplyHeader(reader);
    if (header.xid === Xid.notification) {
      const event = readNotification(reader);
      if (event !== null) this.events.changed(event);
      return;
    }
    const { sentMs, answered } = this.exchangeOf(header.xid);
    this.events.proven(sentMs);
    if (!this.isOver) answered(header, reader);
  }

  /** Answers come in the order of the requests; any other number is a mistake of the server's or of ours. */
  private exchangeOf(xid: number): Exchange {
    const own = xid > 0 ? 'sequence' : xid;
    const exchange = this.unanswered.get(own)?.shift();
    if (exchange === undefined)
      throw new ZookeeperProtocolError(`an answer has number ${xid}, nothing was asked`);
    if (exchange.xid !== xid) {
      throw new ZookeeperProtocolError(`an answer has number ${xid}, due is the one to ${exchange.xid}`);
    }
    return exchange;
  }

  private watchTheTime(): void {
    const { clock, timers } = this.parts;
    const duty = dutyAt(clock.monotonic(), {
      sessionTimeoutMs: this.sessionTimeoutMs!,
      sentMs: this.sentMs,
      receivedMs: this.receivedMs,
      unansweredSinceMs: this.unansweredSince(),
    });
    if (duty.type === 'give-up') return this.lose(duty.reason);
    if (duty.type === 'ping') {
      this.sendSpecial(Xid.ping, pingFrame, () => undefined);
      return this.watchTheTime();
    }
    this.timer = timers.after(duty.delayMs, () => this.watchTheTime());
  }

  private unansweredSince(): number | null {
    let since: number | null = null;
    for (const [oldest] of this.unanswered.values()) {
      if (oldest !== undefined && (since === null || oldest.sentMs < since)) since = oldest.sentMs;
    }
    return since;
  }
}

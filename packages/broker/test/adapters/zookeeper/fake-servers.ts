import assert from 'node:assert/strict';
import type { SessionState } from '@odradek/core/ports/coordination.ts';
import type { ServerAddress } from '../../../src/adapters/zookeeper/connect-string.ts';
import { JuteReader } from '../../../src/adapters/zookeeper/jute-reader.ts';
import { JuteWriter } from '../../../src/adapters/zookeeper/jute-writer.ts';
import type { Link, LinkEvents, OpenLink } from '../../../src/adapters/zookeeper/link.ts';
import { OpCode, Xid } from '../../../src/adapters/zookeeper/wire-constants.ts';
import {
  ZookeeperCoordination,
  type ZookeeperOptions,
} from '../../../src/adapters/zookeeper/zookeeper-coordination.ts';
import { PromisedSession } from '../../../../core/test/coordination/promised-session.ts';
import { countingRandom, ManualTime, SILENT } from '../../../../core/test/log/log-world.ts';

/** What the scripted servers grant. */
export const SESSION_MS = 9_000;
export const SESSION_ID = 0x1234n;
export const PASSWORD = Buffer.from('0123456789abcdef');

export interface SentRequest {
  readonly xid: number;
  readonly opCode: number;
  /** Stands behind the header. */
  readonly body: JuteReader;
}

/** A link whose other end is the test: it sees what the client sends and says what it likes. */
export class FakeLink implements Link {
  readonly server: ServerAddress;
  isDestroyed = false;
  private readonly events: LinkEvents;
  private readonly unread: Buffer[] = [];

  constructor(server: ServerAddress, events: LinkEvents) {
    this.server = server;
    this.events = events;
  }

  write(bytes: Buffer): void {
    assert.ok(!this.isDestroyed, 'written to a link that was destroyed');
    assert.equal(bytes.readInt32BE(0), bytes.length - 4, 'one frame at a time');
    this.unread.push(Buffer.from(bytes.subarray(4)));
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  open(): void {
    this.events.opened();
  }

  /** The network or the server ends it. */
  cut(reason = 'connection reset'): void {
    this.isDestroyed = true;
    this.events.closed(reason);
  }

  sendRaw(bytes: Buffer): void {
    this.events.received(bytes);
  }

  send(write: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter();
    write(writer);
    this.sendRaw(writer.frame());
  }

  /** Takes the handshake and answers it. @returns what the client sent */
  accept(
    answer: { timeoutMs?: number; sessionId?: bigint; isReadOnly?: boolean; version?: number } = {},
  ): JuteReader {
    this.open();
    const request = this.takeFrame();
    this.send((writer) =>
      writer
        .int(answer.version ?? 0)
        .int(answer.timeoutMs ?? SESSION_MS)
        .long(answer.sessionId ?? SESSION_ID)
        .bytes(PASSWORD)
        .boolean(answer.isReadOnly ?? false),
    );
    return new JuteReader(request);
  }

  /** The next frame that the client sent, without its length. */
  takeFrame(): Buffer {
    const frame = this.unread.shift();
    assert.ok(frame !== undefined, 'the client has sent nothing');
    return frame;
  }

  /** The next request, which must be of that kind. */
  take(opCode: number): SentRequest {
    const body = new JuteReader(this.takeFrame());
    const request = { xid: body.int(), opCode: body.int(), body };
    assert.equal(request.opCode, opCode);
    return request;
  }

  get unreadCount(): number {
    return this.unread.length;
  }

  answer(
    xid: number,
    write: (writer: JuteWriter) => void = () => undefined,
    { zxid = 1, error = 0 } = {},
  ): void {
    this.send((writer) => {
      writer.int(xid).long(BigInt(zxid)).int(error);
      if (error === 0) write(writer);
    });
  }

  notify(type: number, path: string): void {
    this.answer(Xid.notification, (writer) => writer.int(type).int(3).text(path), { zxid: -1 });
  }

  /** Answers a ping, which must be next. */
  answerPing(): void {
    assert.equal(this.take(OpCode.ping).xid, Xid.ping);
    this.answer(Xid.ping);
  }
}

/** A client among scripted servers, in time that the test moves. */
export class FakeWorld {
  readonly links: FakeLink[] = [];
  readonly time = new ManualTime();
  readonly told: SessionState[] = [];
  /** The process stands still by so much: time passes, and no timer fires. */
  pausedMs = 0;
  private readonly openLink: OpenLink = (server, events) => {
    const link = new FakeLink(server, events);
    this.links.push(link);
    return link;
  };

  get link(): FakeLink {
    return this.links.at(-1)!;
  }

  /** Begins to connect; the promise settles when the test has answered. */
  begin(
    options: Partial<ZookeeperOptions> = {},
    signal: AbortSignal | null = null,
  ): Promise<ZookeeperCoordination> {
    const { time } = this;
    const clock = { now: () => time.now(), monotonic: () => time.monotonic() + this.pausedMs };
    const connecting = ZookeeperCoordination.connect(
      { openLink: this.openLink, clock, timers: time, random: countingRandom(), log: SILENT },
      {
        servers: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 3 },
        ],
        chroot: '',
        sessionTimeoutMs: SESSION_MS,
        startTimeoutMs: 10_000,
        inFlightMax: 10,
        identity: {},
        protectsNodes: false,
        ...options,
      },
      signal,
    );
    connecting.catch(() => undefined);
    time.advance(100);
    return connecting;
  }

  /** A session that is connected. */
  async connect(options: Partial<ZookeeperOptions> = {}): Promise<PromisedSession> {
    const connecting = this.begin(options);
    this.link.accept();
    await turns();
    this.answerRoot();
    const raw = await connecting;
    raw.onSession((state) => this.told.push(state));
    return new PromisedSession(raw);
  }

  /** The client looks whether its root is there. */
  answerRoot(): void {
    const { xid } = this.link.take(OpCode.exists);
    this.link.answer(xid, (writer) => writeStat(writer));
  }

  /** Waits for the client to try the next server. */
  nextLink(): FakeLink {
    const before = this.links.length;
    for (let ms = 0; this.links.length === before && ms < SESSION_MS; ms += 10) this.time.advance(10);
    assert.ok(this.links.length > before, 'the client does not try another server');
    return this.link;
  }

  /** The next server takes the session over; the client catches up there. @returns the link */
  reconnect(): FakeLink {
    const link = this.nextLink();
    link.accept();
    link.answer(link.take(OpCode.sync).xid, (writer) => writer.text('/'));
    return link;
  }

  /** Lets time pass in small steps, with pings answered. */
  passAlive(ms: number): void {
    for (let passed = 0; passed < ms; passed += 100) {
      this.time.advance(100);
      while (this.link.unreadCount > 0) this.link.answerPing();
    }
  }
}

export function writeStat(writer: JuteWriter, { version = 0, owner = 0n } = {}): void {
  writer
    .long(5n)
    .long(6n)
    .long(1000n)
    .long(2000n)
    .int(version)
    .int(0)
    .int(0)
    .long(owner)
    .int(0)
    .int(0)
    .long(5n);
}

/** Lets what is promised run. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** Lets answers that need no server come. */
export async function settle<Value>(world: FakeWorld, promise: Promise<Value>): Promise<Value> {
  world.time.advance(0);
  return promise;
}

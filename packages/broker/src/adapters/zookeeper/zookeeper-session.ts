import type { Timer } from '@odradek/core/ports/clock.ts';
import {
  CoordinationError,
  type CoordinationErrorCode,
  type Done,
  type SessionState,
  type WatchEvent,
} from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Random } from '@odradek/core/ports/random.ts';
import { authenticate, type Identity } from './authentication.ts';
import { CallQueue, type Call } from './call-queue.ts';
import { serverName, type ServerAddress } from './connect-string.ts';
import { guarded } from './guarded.ts';
import type { JuteReader } from './jute-reader.ts';
import { attemptTimeoutMs, expiryOf, retryDelayMs } from './liveness.ts';
import {
  requestFrame,
  sessionName,
  setWatchesFrame,
  type ConnectResponse,
  type ReplyHeader,
  type SessionCredentials,
  type WatchedPaths,
} from './messages.ts';
import { PendingCall } from './pending-call.ts';
import { closeSession, serverFailure, sync, type Request } from './requests.ts';
import { ServerRotation } from './server-rotation.ts';
import {
  isAttached,
  isFinal,
  transition,
  type Phase,
  type SessionEvent,
  type Transition,
} from './session-state.ts';
import { watchChunks } from './watch-chunks.ts';
import { REQUEST_SIZE_MAX_BYTES, ServerError, Xid } from './wire-constants.ts';
import { ZookeeperConnection, type ConnectionParts } from './zookeeper-connection.ts';

export interface SessionParts extends ConnectionParts {
  readonly random: Random;
  readonly log: LogSink;
}

export interface SessionOptions {
  /** One or more. */
  readonly servers: readonly ServerAddress[];
  /** What is asked for; the servers have limits of their own. */
  readonly sessionTimeoutMs: number;
  /** Until the first server has given a session. */
  readonly startTimeoutMs: number;
  /** Requests that are sent before the first is answered; 1 or more. */
  readonly inFlightMax: number;
  readonly identity: Identity;
}

export interface SessionHooks {
  /** A node that was watched has changed. */
  changed(event: WatchEvent): void;
  /** What is watched, for a new connection. */
  watched(): WatchedPaths;
  /** A new connection has these watches again; nothing that was asked on it has been answered yet. */
  watchedAgain(paths: WatchedPaths): void;
}

/** Calls that may wait at once, and what their frames may take: more are refused. */
const CALLS_MAX = 1_000_000;
const CALLS_SIZE_MAX_BYTES = 256 * 1024 * 1024;

/**
 * A session with a ZooKeeper ensemble, over one connection after the other.
 *
 * Fault model: servers die, hang, are cut off, answer late or wrongly; this process may stop for any time. A write
 * that was sent on a connection that is lost fails with CONNECTIONLOSS, for nobody knows whether it happened; reads
 * are asked again, and what was not sent yet waits, on the next connection. A new connection first catches up with the leader (`sync`), so that a read
 * after CONNECTIONLOSS shows what became of the write, and sets the watches again.
 *
 * The session is over when a server says so, or when our own clock says that it may be (see `expiryOf`): then
 * nothing more is sent or delivered, whatever a server might still answer.
 */
export class ZookeeperSession {
  private readonly parts: SessionParts;
  private readonly options: SessionOptions;
  private readonly hooks: SessionHooks;
  private readonly rotation: ServerRotation;
  private readonly calls = new CallQueue();
  private readonly listeners = new Set<(state: SessionState) => void>();
  private readonly startTimer: Timer;
  private phase: Phase = 'starting';
  /** What calls get once the session is over. */
  private endCode: CoordinationErrorCode = 'SESSIONEXPIRED';
  private connection: ZookeeperConnection | null = null;
  private credentials: SessionCredentials | null = null;
  private sessionTimeoutMs: number;
  private provenMs = 0;
  private lastZxid = 0;
  private retryTimer: Timer | null = null;
  private expiryTimer: Timer | null = null;
  private lastFailure = 'no server has answered';
  private started: ((error: CoordinationError | null) => void) | null;
  private closed: (() => void)[] = [];

  /** @param started once: with null when there is a session, else with why there is none; never at once */
  constructor(
    parts: SessionParts,
    options: SessionOptions,
    hooks: SessionHooks,
    started: (error: CoordinationError | null) => void,
  ) {
    this.parts = parts;
    this.options = options;
    this.hooks = hooks;
    this.started = started;
    this.sessionTimeoutMs = options.sessionTimeoutMs;
    this.rotation = new ServerRotation(options.servers, parts.random);
    this.startTimer = parts.timers.after(options.startTimeoutMs, () => this.move('start-timed-out'));
    this.tryNext();
  }

  /** Empty before the session has started. */
  get sessionId(): string {
    return this.credentials === null ? '' : sessionName(this.credentials.sessionId);
  }

  /** What another connection would need to take this session over. For tests. */
  get proof(): SessionCredentials | null {
    return this.credentials;
  }

  /** The server that the session is connected with. For logs and tests. */
  get server(): ServerAddress | null {
    return isAttached(this.phase) ? (this.connection?.server ?? null) : null;
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Ends the session if its time is up, though its timer has not come yet. */
  noticeEnd(): void {
    if (this.isOverdue()) this.expire();
  }

  /** Makes a request. `done` runs once, after those of all earlier requests, never at once. */
  submit<Answer>(request: Request<Answer>, done: Done<Answer>): void {
    const refusal = this.refusalOf(request.path);
    if (refusal !== null) return this.fail(refusal, done);
    const frame = requestFrame(0, request.opCode, (writer) => request.write(writer));
    if (frame.length > REQUEST_SIZE_MAX_BYTES) {
      const message = `a request of ${frame.length} bytes is larger than the ${REQUEST_SIZE_MAX_BYTES} that a server takes (jute.maxbuffer)`;
      return this.fail(new CoordinationError('BADARGUMENTS', request.path, { message }), done);
    }
    this.calls.add(new PendingCall(request, frame, done));
    if (this.isOverdue()) this.parts.timers.after(0, () => this.expire());
    else this.pump();
  }

  /** The outcome of a call that is not sent, told in its turn. */
  fail<Answer>(error: CoordinationError, done: Done<Answer>): void {
    const call = new PendingCall<Answer>(null, null, done, error.path);
    call.fail(error);
    this.calls.add(call);
    this.parts.timers.after(0, () => this.calls.deliver());
  }

  /** Ends the session; requests made before get their answers, if there is a connection. @param done never at once */
  close(done: () => void): void {
    this.closed.push(done);
    if (isFinal(this.phase)) {
      this.parts.timers.after(0, () => this.tellEnd());
      return;
    }
    if (this.phase === 'closing') return;
    this.lastFailure = 'the session was closed';
    if (this.phase === 'connected') {
      const request = closeSession();
      const frame = requestFrame(0, request.opCode, () => undefined);
      this.calls.add(new PendingCall(request, frame, () => this.move('close-answered')));
    }
    this.enter('close-called');
    this.pump();
    if (isFinal(this.phase)) this.parts.timers.after(0, () => this.tellEnd());
  }

  private refusalOf(path: string): CoordinationError | null {
    if (this.phase === 'closing' || isFinal(this.phase)) return this.failure(this.endCode, path);
    if (this.calls.count < CALLS_MAX && this.calls.sizeBytes < CALLS_SIZE_MAX_BYTES) return null;
    const message = `${this.calls.count} calls of ${this.calls.sizeBytes} bytes wait for ZooKeeper, allowed are ${CALLS_MAX} and ${CALLS_SIZE_MAX_BYTES}`;
    return new CoordinationError('SYSTEMERROR', path, { message });
  }

  private failure(code: CoordinationErrorCode, path: string): CoordinationError {
    const message = `${code} for ${path}: ${this.lastFailure}`;
    return new CoordinationError(code, path, { message });
  }

  // --- finding a server

  private tryNext(): void {
    const { rotation, parts } = this;
    const delayMs = retryDelayMs(rotation.round, rotation.isFirstOfRound, parts.random.fraction());
    this.retryTimer = parts.timers.after(delayMs, () => this.connect());
  }

  private connect(): void {
    if (isFinal(this.phase) || this.isOverdue()) return;
    const { round, count } = this.rotation;
    const server = this.rotation.next();
    const timeoutMs = attemptTimeoutMs(this.sessionTimeoutMs, count, round, this.credentials !== null);
    const handshake = {
      lastZxid: this.lastZxid,
      sessionTimeoutMs: this.options.sessionTimeoutMs,
      credentials: this.credentials,
    };
    const connection: ZookeeperConnection = new ZookeeperConnection(
      this.parts,
      server,
      handshake,
      timeoutMs,
      {
        accepted: (response, sentMs) => this.accepted(connection, response, sentMs),
        proven: (sentMs) => this.proven(sentMs),
        changed: (event) => this.changed(event),
        lost: (reason) => this.lost(reason),
      },
    );
    this.connection = connection;
  }

  private accepted(connection: ZookeeperConnection, response: ConnectResponse, sentMs: number): void {
    if (response.sessionTimeoutMs <= 0) {
      this.lastFailure = `${serverName(connection.server)} says that the session is over`;
      return this.move('session-over');
    }
    if (response.isReadOnly) return connection.lose('it is read-only: it has lost its ensemble');
    const { sessionId } = response.credentials;
    if (sessionId === 0n || (this.credentials !== null && this.credentials.sessionId !== sessionId)) {
      return connection.lose(`it gives session ${sessionName(sessionId)} in place of ${this.sessionId}`);
    }
    this.credentials = response.credentials;
    this.sessionTimeoutMs = response.sessionTimeoutMs;
    this.proven(sentMs);
    if (isFinal(this.phase)) return;
    authenticate(connection, this.options.identity, this.parts.random, (refusal) => {
      if (refusal === null) return this.attached(connection);
      this.lastFailure = `${serverName(connection.server)}: ${refusal}`;
      this.move('authentication-failed');
    });
  }

  private attached(connection: ZookeeperConnection): void {
    if (this.phase === 'disconnected') this.catchUp(connection);
    else this.rotation.found();
    this.parts.log.info('connected with ZooKeeper', {
      server: serverName(connection.server),
      session: `0x${this.sessionId}`,
      sessionTimeoutMs: this.sessionTimeoutMs,
    });
    this.move('attached');
    this.pump();
  }

  /** All that follows on the connection comes after this. */
  private catchUp(connection: ZookeeperConnection): void {
    const ended = (header: ReplyHeader) => {
      if (header.error !== ServerError.none) connection.lose(`it refuses to catch up: error ${header.error}`);
      else this.pump();
    };
    const request = sync('/');
    const frame = requestFrame(0, request.opCode, (writer) => request.write(writer));
    connection.send(frame, (header) => {
      ended(header);
      // Not before it has done something for us: one that takes sessions and fails must not be tried in a hurry.
      if (header.error === ServerError.none) this.rotation.found();
    });
    for (const paths of watchChunks(this.hooks.watched())) {
      connection.sendSpecial(Xid.setWatches, setWatchesFrame(this.lastZxid, paths), (header) => {
        if (header.error === ServerError.none) this.hooks.watchedAgain(paths);
        ended(header);
      });
    }
  }

  private lost(reason: string): void {
    this.lastFailure = reason;
    const { phase } = this;
    this.parts.log[phase === 'connected' ? 'warn' : 'debug']('no connection with ZooKeeper', { reason });
    this.connection = null;
    // After a long pause of the process this is not doubt but certainty.
    if (this.isOverdue()) return this.expire();
    this.move('connection-lost');
    if (!isFinal(this.phase)) this.tryNext();
  }

  // --- the time that is left

  private proven(sentMs: number): void {
    this.provenMs = Math.max(this.provenMs, sentMs);
    if (this.isOverdue()) this.expire();
    else if (this.expiryTimer === null) this.watchExpiry();
  }

  private isOverdue(): boolean {
    if (this.credentials === null || isFinal(this.phase)) return false;
    return this.parts.clock.monotonic() >= expiryOf(this.provenMs, this.sessionTimeoutMs);
  }

  private expire(): void {
    if (isFinal(this.phase)) return;
    this.lastFailure = `no server has answered within the session timeout of ${this.sessionTimeoutMs} ms; the last failure: ${this.lastFailure}`;
    this.move('session-over');
  }

  private watchExpiry(): void {
    if (isFinal(this.phase)) return;
    if (this.isOverdue()) return this.expire();
    const leftMs = expiryOf(this.provenMs, this.sessionTimeoutMs) - this.parts.clock.monotonic();
    this.expiryTimer = this.parts.timers.after(leftMs, () => this.watchExpiry());
  }

  // --- traffic

  private changed(event: WatchEvent): void {
    if (this.isOverdue()) this.expire();
    else this.hooks.changed(event);
  }

  private pump(): void {
    for (;;) {
      const { connection } = this;
      if (connection === null || !isAttached(this.phase)) return;
      if (connection.inFlight >= this.options.inFlightMax) return;
      const call = this.calls.takeUnsent() as PendingCall<unknown> | null;
      if (call === null) return;
      connection.send(call.frame!, (header, reader) => this.answered(connection, call, header, reader));
    }
  }

  private answered(
    connection: ZookeeperConnection,
    call: PendingCall<unknown>,
    header: ReplyHeader,
    reader: JuteReader,
  ): void {
    if (header.error === ServerError.sessionExpired) {
      call.fail(serverFailure(header.error, call.path));
      return this.move('session-over');
    }
    if (header.error === ServerError.sessionMoved)
      return connection.lose('the session has moved to another server');
    if (header.error === ServerError.sessionClosedRequiresSaslAuth) {
      this.lastFailure = 'the servers require SASL authentication';
      return this.move('authentication-failed');
    }
    if (header.zxid > 0) this.lastZxid = header.zxid;
    call.take(header, reader);
    this.calls.deliver();
    this.pump();
  }

  // --- the life of the session

  private move(event: SessionEvent): void {
    const isStarting = this.phase === 'starting';
    const next = this.enter(event);
    if (next === null) return;
    if (isStarting) this.tellStarted();
    if (next.tell !== null) this.tell(next.tell);
    if (isFinal(this.phase)) this.tellEnd();
    else this.calls.deliver();
  }

  /** Changes everything and tells nobody. */
  private enter(event: SessionEvent): Transition | null {
    const next = transition(this.phase, event);
    if (next === null) return null;
    this.phase = next.phase;
    if (event === 'authentication-failed') this.endCode = 'AUTHFAILED';
    if (event === 'start-timed-out') this.endCode = 'CONNECTIONLOSS';
    if (isFinal(next.phase)) this.stop();
    const lossOf = (call: Call) => this.failure('CONNECTIONLOSS', call.path);
    if (next.calls === 'lose-sent') this.calls.loseSent(lossOf);
    if (next.calls === 'end') this.calls.failSent(lossOf);
    if (next.calls === 'end') this.calls.failUnsent((call) => this.failure(this.endCode, call.path));
    return next;
  }

  private stop(): void {
    this.connection?.end();
    this.connection = null;
    this.retryTimer?.cancel();
    this.expiryTimer?.cancel();
    this.startTimer.cancel();
  }

  private tellStarted(): void {
    this.startTimer.cancel();
    const { started } = this;
    this.started = null;
    started?.(this.phase === 'connected' ? null : this.startFailure());
  }

  private startFailure(): CoordinationError {
    const { servers, startTimeoutMs } = this.options;
    if (this.endCode === 'AUTHFAILED') return this.failure('AUTHFAILED', '/');
    const message =
      `no ZooKeeper server of ${servers.map(serverName).join(', ')} gave a session within ${startTimeoutMs} ms ` +
      `(zookeeper.connection.timeout.ms); the last failure: ${this.lastFailure}`;
    return new CoordinationError('CONNECTIONLOSS', '/', { message });
  }

  private tell(state: SessionState): void {
    for (const listener of [...this.listeners]) guarded(() => listener(state));
  }

  private tellEnd(): void {
    this.calls.deliver();
    for (const done of this.closed.splice(0)) guarded(done);
  }
}

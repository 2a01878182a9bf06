import type { ClusterOptions } from '../../cluster/cluster-options.ts';
import { ClientError, asError } from '../../errors.ts';
import type { BearerToken, SaslOptions } from '../../network/sasl/sasl-options.ts';
import type { Thread, Threads } from '../../ports/threads.ts';
import type { BeatTiming } from './beat-protocol.ts';
import type { HeartbeatEvents, Heartbeats } from './heartbeats.ts';
import { errorFrom, toldError, type FromKeeper, type KeeperData, type ToKeeper } from './thread-messages.ts';

export interface HeartbeatThread {
  readonly threads: Threads;
  /** `adapters/heartbeat-worker`, wherever a bundler has put it. */
  readonly program: URL;
  /** Of the consumer, for connections like its own. */
  readonly cluster: ClusterOptions;
  /** As long as the event loop may be blocked until the place is given up, milliseconds. */
  readonly silenceMaxMs: number;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A thread says it, and goes on by itself while the event loop is blocked. Begun when there is something to say. */
export class ThreadHeartbeats<Beat, Answer> implements Heartbeats<Beat> {
  private readonly options: HeartbeatThread;
  private readonly start: KeeperData;
  private readonly events: HeartbeatEvents<Answer>;
  private thread: Thread | null = null;
  /** Counts rests. */
  private term = 0;
  private waiting: Waiting | null = null;
  private isEnded = false;

  constructor(
    protocol: KeeperData['protocol'],
    groupId: string,
    options: HeartbeatThread,
    events: HeartbeatEvents<Answer>,
  ) {
    this.options = options;
    this.start = { protocol, groupId, silenceMaxMs: options.silenceMaxMs, ...plainOptions(options.cluster) };
    this.events = events;
  }

  send(beat: Beat, timing: BeatTiming): Promise<void> {
    if (this.isEnded) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting?.resolve();
      this.waiting = { resolve, reject };
      this.say({ kind: 'send', term: this.term, beat, timing });
    });
  }

  keep(beat: Beat, timing: BeatTiming): void {
    this.say({ kind: 'keep', term: this.term, beat, timing });
  }

  rest(): void {
    this.term++;
    this.settle()?.resolve();
    if (this.thread !== null) this.say({ kind: 'rest', term: this.term });
  }

  catchUp(): void {
    this.thread?.takeIn();
  }

  end(): void {
    this.isEnded = true;
    this.term++;
    this.settle()?.resolve();
    this.thread?.end();
    this.thread = null;
  }

  private say(message: ToKeeper): void {
    if (this.isEnded) return;
    try {
      const { threads, program } = this.options;
      this.thread ??= threads.start(program, this.start, {
        said: (told) => this.hear(told as FromKeeper),
        failed: (error) => this.fail(error),
      });
      this.thread.say(message);
    } catch (thrown) {
      this.fail(asError(thrown));
    }
  }

  private hear(message: FromKeeper): void {
    if (message.kind === 'token') void this.bringToken(message.id);
    else if (message.term === this.term) this.hearOfPlace(message);
  }

  private hearOfPlace(message: Exclude<FromKeeper, { kind: 'token' }>): void {
    if (message.kind === 'left') return this.events.left(this.blockedForLong());
    if (message.kind === 'unheard') return this.settle()?.reject(errorFrom(message.error));
    const waiting = message.wasAsked ? this.settle() : null;
    this.events.heard(message.answer as Answer, message.sentAtMs);
    waiting?.resolve();
  }

  private blockedForLong(): Error {
    return new Error(`the event loop was blocked for more than ${this.options.silenceMaxMs} ms`);
  }

  private settle(): Waiting | null {
    const { waiting } = this;
    this.waiting = null;
    return waiting;
  }

  private async bringToken(id: number): Promise<void> {
    const { sasl } = this.options.cluster;
    if (sasl?.mechanism !== 'oauthbearer') return;
    let token: BearerToken | { error: ReturnType<typeof toldError> };
    try {
      token = await sasl.token();
    } catch (error) {
      token = { error: toldError(error) };
    }
    this.thread?.say({ kind: 'token', id, token } satisfies ToKeeper);
  }

  /** The next that is to be said begins another one. */
  private fail(cause: Error): void {
    this.thread = null;
    const error = new ClientError('HEARTBEAT_THREAD', `the thread for heartbeats: ${cause.message}`, {
      cause,
    });
    this.settle()?.reject(error);
    this.events.failed(error);
  }
}

/** What can go to another thread. */
function plainOptions(options: ClusterOptions): Pick<KeeperData, 'cluster' | 'sasl'> {
  const { environment: _, onExchange: _observer, sasl, ...cluster } = options;
  return { cluster, sasl: sasl === undefined ? null : plainSasl(sasl) };
}

function plainSasl(sasl: SaslOptions): KeeperData['sasl'] {
  return sasl.mechanism === 'oauthbearer' ? 'oauthbearer' : sasl;
}

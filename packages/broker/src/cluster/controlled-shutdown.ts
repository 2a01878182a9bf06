import type { AskingBroker } from '@odradek/core/controller/leader-requests.ts';
import type { Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Peers } from '@odradek/core/ports/peers.ts';
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { controlledShutdownApi } from '@odradek/protocol/generated/apis/controlled-shutdown.ts';

export interface ControlledShutdownParts {
  /** This broker in its life. */
  readonly self: AskingBroker;
  readonly peers: Peers;
  readonly timers: Timers;
  readonly log: LogSink;
  /** No other broker is there that could lead anything. */
  isAlone(): boolean;
  /** Broker id, or -1 while there is none. */
  controllerId(): number;
  /** Asks the controller in this broker, when it is the one. */
  relieve(self: AskingBroker): Promise<{ errorCode: number; remaining: readonly object[] }>;
  /** `controlled.shutdown.max.retries` */
  readonly retriesMax: number;
  /** `controlled.shutdown.retry.backoff.ms` */
  readonly backoffMs: number;
  /** `controller.socket.timeout.ms` */
  readonly timeoutMs: number;
}

/**
 * Has other brokers lead what this one leads, before it stops. After `retriesMax` further attempts it stops all the
 * same: then the cluster finds out for itself when the session ends.
 *
 * @returns whether others lead everything that they can
 */
export async function handOver(parts: ControlledShutdownParts): Promise<boolean> {
  const { log, timers, retriesMax, backoffMs } = parts;
  for (let attempt = 0; ; attempt++) {
    if (parts.isAlone()) return true;
    const problem = await askOnce(parts);
    if (problem === null || parts.isAlone()) return true;
    log.warn('the partitions led here could not all be handed over', { reason: problem, attempt });
    if (attempt >= retriesMax) return false;
    await new Promise<void>((resolve) => timers.after(backoffMs, resolve));
  }
}

/** @returns why not, or null */
async function askOnce(parts: ControlledShutdownParts): Promise<string | null> {
  const { errorCode, remaining } = await askController(parts).catch((error: Error) => ({
    errorCode: null,
    remaining: error.message,
  }));
  if (errorCode === null) return String(remaining);
  if (errorCode !== ErrorCode.NONE) return `the controller answers ${errorName(errorCode)}`;
  return remaining.length === 0 ? null : `nobody else can lead ${remaining.length} partitions`;
}

function askController(
  parts: ControlledShutdownParts,
): Promise<{ errorCode: number; remaining: readonly object[] }> {
  const { self, peers, timeoutMs } = parts;
  const controllerId = parts.controllerId();
  if (controllerId === self.brokerId) return parts.relieve(self);
  if (controllerId < 0) return Promise.reject(new Error('there is no controller'));
  const link = peers.link(controllerId, 'controlled shutdown');
  return new Promise((resolve, reject) => {
    link.request({ api: controlledShutdownApi, build: () => self, timeoutMs }, (error, answer) => {
      link.close();
      if (error !== null) return reject(error);
      resolve({ errorCode: answer.body.errorCode, remaining: answer.body.remainingPartitions });
    });
  });
}

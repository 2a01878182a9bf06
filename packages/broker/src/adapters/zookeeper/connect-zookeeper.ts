import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { systemClock } from '../system-clock.ts';
import { systemRandom } from '../system-random.ts';
import { SystemTimers } from '../system-timers.ts';
import type { Identity } from './authentication.ts';
import { parseConnectString } from './connect-string.ts';
import { nodeLinks, type TlsSettings } from './node-link.ts';
import { ZookeeperCoordination } from './zookeeper-coordination.ts';

/** What a session needs to know; the names are those of `server.properties` without `zookeeper.`. */
export interface ZookeeperSettings {
  readonly connect: string;
  readonly sessionTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  readonly maxInFlightRequests: number;
  readonly setAcl: boolean;
  readonly identity: Identity;
  readonly tls: TlsSettings | null;
}

/**
 * Opens a session with real servers. It keeps the process alive until it is closed or over.
 * @param signal ends the attempt
 * @throws Error when `connect` is malformed; CoordinationError as ZookeeperCoordination.connect
 */
export async function connectZookeeper(
  settings: ZookeeperSettings,
  log: LogSink,
  signal: AbortSignal | null = null,
): Promise<ZookeeperCoordination> {
  const { servers, chroot } = parseConnectString(settings.connect);
  return ZookeeperCoordination.connect(
    {
      openLink: nodeLinks(settings.tls),
      clock: systemClock,
      timers: new SystemTimers({ keepAlive: true }),
      random: systemRandom,
      log,
    },
    {
      servers,
      chroot,
      sessionTimeoutMs: settings.sessionTimeoutMs,
      startTimeoutMs: settings.connectionTimeoutMs,
      inFlightMax: settings.maxInFlightRequests,
      identity: settings.identity,
      protectsNodes: settings.setAcl,
    },
    signal,
  );
}

import { atLeast } from '../setting-check.ts';
import { int, long, notSupported, string, withoutEffect } from '../setting.ts';
import { INT_MAX } from './limits.ts';
import { NODE_SOCKETS, NO_SASL, ONE_LOOP } from './reasons.ts';

/** Connections, their limits and buffers. */
export const socketsSettings = {
  'socket.listen.backlog.size': int({
    default: 50,
    check: atLeast(1),
    about: 'Connections that may wait to be accepted.',
  }),
  'socket.send.buffer.bytes': int({
    default: 102_400,
    unit: 'bytes',
    importance: 'high',
    status: withoutEffect(NODE_SOCKETS),
    about: 'Send buffer of the operating system per socket; -1 leaves it as it is.',
  }),
  'socket.receive.buffer.bytes': int({
    default: 102_400,
    unit: 'bytes',
    importance: 'high',
    status: withoutEffect(NODE_SOCKETS),
    about: 'Receive buffer of the operating system per socket; -1 leaves it as it is.',
  }),
  'socket.request.max.bytes': int({
    default: 104_857_600,
    check: atLeast(1),
    unit: 'bytes',
    importance: 'high',
    about: 'Largest request that is accepted.',
  }),
  'socket.connection.setup.timeout.ms': long({
    default: 10000,
    unit: 'ms',
    about: 'First time limit for connecting to another broker.',
  }),
  'socket.connection.setup.timeout.max.ms': long({
    default: 30000,
    unit: 'ms',
    about: 'Greatest time limit for connecting to another broker.',
  }),
  'connections.max.idle.ms': long({
    default: 600_000,
    unit: 'ms',
    about: 'A connection without traffic for so long is closed; negative: never.',
  }),
  'connection.failed.authentication.delay.ms': int({
    default: 100,
    check: atLeast(0),
    unit: 'ms',
    importance: 'low',
    status: withoutEffect(NO_SASL),
    about: 'Delay before a connection that failed to authenticate is closed.',
  }),
  'max.connections': int({
    default: INT_MAX,
    check: atLeast(0),
    update: 'cluster-wide',
    about: 'Most connections of the broker; also per listener as listener.name.<name>.max.connections.',
  }),
  'max.connections.per.ip': int({
    default: INT_MAX,
    check: atLeast(0),
    update: 'cluster-wide',
    about: 'Most connections from one address.',
  }),
  'max.connections.per.ip.overrides': string({
    default: '',
    update: 'cluster-wide',
    about: 'Other limits for given addresses, as address:count,...',
  }),
  'max.connection.creation.rate': int({
    default: INT_MAX,
    check: atLeast(0),
    update: 'cluster-wide',
    status: notSupported('connections are accepted as fast as they come', 'warn'),
    about: 'Most new connections per second.',
  }),
  'num.network.threads': int({
    default: 3,
    check: atLeast(1),
    importance: 'high',
    update: 'cluster-wide',
    status: withoutEffect(ONE_LOOP),
    about: 'Threads that read and write sockets.',
  }),
  'num.io.threads': int({
    default: 8,
    check: atLeast(1),
    importance: 'high',
    update: 'cluster-wide',
    status: withoutEffect(ONE_LOOP),
    about: 'Threads that handle requests.',
  }),
  'queued.max.requests': int({
    default: 500,
    check: atLeast(1),
    importance: 'high',
    status: withoutEffect(
      'requests are handled as they arrive, and a connection that does not read its answers is no longer read',
    ),
    about: 'Requests that may wait for a thread.',
  }),
  'queued.max.request.bytes': long({
    default: -1,
    unit: 'bytes',
    status: withoutEffect(
      'requests are handled as they arrive, and a connection that does not read its answers is no longer read',
    ),
    about: 'Bytes of requests that may wait for a thread; -1: no limit.',
  }),
};

import { createConnection, isIP, type OnReadOpts, type Socket } from 'node:net';
import type { Timer } from '../ports/clock.ts';
import type { ClientEnvironment } from '../ports/environment.ts';
import type { TlsOptions } from '../network/tls-options.ts';
import type { Address, ClientSocket, SocketEvents } from '../ports/sockets.ts';
import { startThread } from './node-threads.ts';

/**
 * How long one address of a name with several is tried before the next is. Node's default of 250 ms gives up
 * on far but working routes.
 */
const ADDRESS_ATTEMPT_TIMEOUT_MS = 2_000;

/** The longest delay of a Node timer; a longer one would fire at once. */
const TIMER_DELAY_MAX_MS = 2 ** 31 - 1;

/** The real world: the machine's clocks, timers, random generator, TCP and threads. */
export function nodeEnvironment(): ClientEnvironment {
  return {
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    timers: { after },
    random: { fraction: () => Math.random() },
    sockets: { connect },
    threads: { start: startThread },
  };
}

function after(delayMs: number, fire: () => void): Timer {
  const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), TIMER_DELAY_MAX_MS));
  return { cancel: () => clearTimeout(handle) };
}

/** The system's error names in words; a name with several addresses fails with an error that has no message. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the broker reset the connection',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the host name cannot be resolved at present',
  EPIPE: 'the broker closed the connection',
  ETIMEDOUT: 'connection timed out',
};

function explained(error: NodeJS.ErrnoException): Error {
  const explanation = EXPLANATIONS[error.code ?? ''];
  return explanation === undefined && error.message !== ''
    ? error
    : new Error(explanation ?? error.code ?? 'connection failed', { cause: error });
}

/** Only names are asked for; an address is checked against the certificate all the same. */
function serverName(host: string): string {
  return isIP(host) === 0 ? host.replace(/\.$/, '') : '';
}

/** Where bytes are received: used over and over, which takes a third off the cost of receiving. */
const RECEIVE_BUFFER_BYTES = 64 * 1024;
let receiveBuffer: Buffer | null = null;

function receiveInto(events: SocketEvents): OnReadOpts {
  receiveBuffer ??= Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES);
  const elsewhere = receiveBuffer;
  return {
    buffer: () => events.room?.() ?? elsewhere,
    callback: (count, room) => {
      events.received((room as Buffer).subarray(0, count));
      return true;
    },
  };
}

function open(address: Address, tls: TlsOptions | null, events: SocketEvents): Socket {
  const where = {
    host: address.host,
    port: address.port,
    noDelay: true,
    keepAlive: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_TIMEOUT_MS,
  };
  if (tls === null) return createConnection({ ...where, onread: receiveInto(events) });
  const { ca, servername, ...own } = tls;
  const trusted = ca === undefined ? {} : { ca: Array.isArray(ca) ? [...(ca as string[])] : (ca as string) };
  // Brokers and most clients never need it, and it takes some milliseconds to load.
  const { connect: connectTls } = process.getBuiltinModule('node:tls');
  const socket = connectTls({
    ...where,
    ...own,
    ...trusted,
    servername: servername ?? serverName(address.host),
  });
  // Node.js offers `onread` only for what is not encrypted.
  return socket.on('data', (bytes: Buffer) => events.received(bytes));
}

function connect(address: Address, events: SocketEvents, tls: TlsOptions | null = null): ClientSocket {
  const socket = open(address, tls, events);
  let failure: Error | null = null;
  socket.on(tls === null ? 'connect' : 'secureConnect', () => events.connected());
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => events.closed(failure === null ? null : explained(failure)));
  return {
    write(buffers) {
      if (socket.destroyed) return;
      if (buffers.length === 1) return void socket.write(buffers[0]!);
      socket.cork();
      for (const buffer of buffers) socket.write(buffer);
      socket.uncork();
    },
    destroy: () => void socket.destroy(),
  };
}

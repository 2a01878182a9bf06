import { createConnection, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Address, ClientSocket, SocketEvents, Sockets } from '@odradek/client/ports/sockets.ts';

export interface ISocketFactoryArgs {
  readonly host: string;
  readonly port: number;
  /** Undefined for a connection in the clear. */
  readonly ssl: ConnectionOptions | undefined;
  /** To be called once the socket can be used, the handshake of TLS included. */
  readonly onConnect: () => void;
}

export type ISocketFactory = (args: ISocketFactoryArgs) => Socket;

/** Sockets as KafkaJS opens them: all of Node's TLS options, and a factory of the application's own. */
export function kafkaJSSockets(
  ssl: ConnectionOptions | boolean | undefined,
  socketFactory: ISocketFactory = openSocket,
): Sockets {
  const tls = ssl === true ? {} : ssl === false ? undefined : ssl;
  return { connect: (address, events) => connect(address, events, tls, socketFactory) };
}

function openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const where = { host, port, noDelay: true, keepAlive: true };
  if (ssl === undefined) return createConnection(where, onConnect);
  const named = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ ...where, ...named, ...ssl }, onConnect);
}

function connect(
  { host, port }: Address,
  events: SocketEvents,
  ssl: ConnectionOptions | undefined,
  socketFactory: ISocketFactory,
): ClientSocket {
  let failure: Error | null = null;
  const socket = socketFactory({
    host,
    port,
    ssl,
    onConnect: () => queueMicrotask(() => events.connected()),
  });
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => events.received(bytes));
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => events.closed(failure));
  return {
    write(buffers) {
      if (socket.destroyed) return;
      socket.cork();
      for (const buffer of buffers) socket.write(buffer);
      socket.uncork();
    },
    destroy: () => void socket.destroy(),
  };
}

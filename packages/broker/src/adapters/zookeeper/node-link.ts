import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { ServerAddress } from './connect-string.ts';
import type { Link, LinkEvents, OpenLink } from './link.ts';

export interface TlsSettings {
  readonly context: SecureContext;
  /** Whether the name in the server's certificate must be that of the server. */
  readonly checksServerName: boolean;
}

/** Opens links over TCP, or over TLS where there are settings for it. */
export function nodeLinks(tls: TlsSettings | null): OpenLink {
  return (server, events) => new NodeLink(tls === null ? openTcp(server) : openTls(server, tls), tls, events);
}

function openTcp({ host, port }: ServerAddress): Socket {
  return connectTcp({ host, port, noDelay: true });
}

function openTls({ host, port }: ServerAddress, { context, checksServerName }: TlsSettings): Socket {
  const socket = connectTls({
    host,
    port,
    secureContext: context,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(checksServerName ? {} : { checkServerIdentity: () => undefined }),
  });
  socket.setNoDelay(true);
  return socket;
}

class NodeLink implements Link {
  private readonly socket: Socket;
  private events: LinkEvents | null;

  constructor(socket: Socket, tls: TlsSettings | null, events: LinkEvents) {
    this.socket = socket;
    this.events = events;
    socket.on(tls === null ? 'connect' : 'secureConnect', () => this.events?.opened());
    socket.on('data', (chunk: Buffer) => this.events?.received(chunk));
    socket.on('error', (error) => this.over(error.message));
    socket.on('close', () => this.over('it closed the connection'));
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  destroy(): void {
    this.events = null;
    this.socket.destroy();
  }

  private over(reason: string): void {
    const { events } = this;
    this.destroy();
    events?.closed(reason);
  }
}

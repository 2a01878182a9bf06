import type { Address, ClientSocket, SocketEvents, Sockets } from '../ports/sockets.ts';
import type { TlsOptions } from './tls-options.ts';

/** Sockets that can all be dropped at once, also those that are still connecting. */
export class DroppableSockets implements Sockets {
  private readonly sockets: Sockets;
  private readonly open = new Set<ClientSocket>();
  private isOver = false;

  constructor(sockets: Sockets) {
    this.sockets = sockets;
  }

  connect(address: Address, events: SocketEvents, tls?: TlsOptions | null): ClientSocket {
    const socket = this.sockets.connect(
      address,
      {
        connected: () => events.connected(),
        received: (bytes) => events.received(bytes),
        room: () => events.room?.() ?? null,
        closed: (error) => {
          this.open.delete(socket);
          events.closed(error);
        },
      },
      tls,
    );
    this.open.add(socket);
    if (this.isOver) socket.destroy();
    return socket;
  }

  /** Whatever is connected later is dropped as well. */
  dropAll(): void {
    this.isOver = true;
    for (const socket of this.open) socket.destroy();
  }
}

import { createServer, type Server } from 'node:net';
import type { Acceptor, AcceptorAddress, AcceptorEvents } from '../machine.ts';

/** Takes TCP connections. */
export class NodeAcceptor implements Acceptor {
  private readonly address: AcceptorAddress;
  private readonly events: AcceptorEvents;
  private readonly server: Server;

  constructor(address: AcceptorAddress, events: AcceptorEvents) {
    this.address = address;
    this.events = events;
    const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: true };
    this.server = createServer(options, (socket) => events.connected(socket));
  }

  bind(): Promise<number> {
    const { host, port, backlog } = this.address;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, backlog, ...(host === '' ? {} : { host }) }, () => {
        this.server.removeListener('error', reject);
        this.server.on('error', (error) => this.events.failed(error));
        const address = this.server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  close(done: () => void): void {
    this.server.close(() => done());
  }
}

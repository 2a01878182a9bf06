import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const host = '127.0.0.1';

/** Stands between clients and a broker, and can lose the broker's answers on their way back. */
export class LossyProxy {
  /** While true, requests arrive and answers do not. */
  losesAnswers = false;
  /** Bytes of answers that have gone to clients. */
  answeredBytes = 0;
  /** The broker's port; connections are refused while there is none. */
  brokerPort: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client: Socket) => this.#serve(client));
  }

  static async open(): Promise<LossyProxy> {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    return new LossyProxy(server);
  }

  /** host:port, as clients want it. */
  get bootstrap(): string {
    return `${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    if (this.brokerPort === undefined) {
      client.destroy();
      return;
    }
    const broker = connect(this.brokerPort, host);
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(broker);
    broker.on('data', (answer) => {
      if (this.losesAnswers) return;
      this.answeredBytes += answer.length;
      client.write(answer);
    });
  }
}

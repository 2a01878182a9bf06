import type { Address, ClientSocket, SocketEvents } from '@odradek/client/ports/sockets.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import type { SeededRandom } from '../../seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { ClientEnd } from './client-end.ts';
import { type Latency, Pipe, type Ways } from './pipe.ts';
import { ServerSocket } from './server-socket.ts';

interface Listening {
  readonly process: SimulatedProcess;
  accept(socket: ServerSocket): void;
}

/**
 * The network between machines, as TCP shows it to processes.
 *
 * What may happen: packets take their time, not the same in each direction and connection; chunks arrive cut
 * anywhere or joined; a direction between two machines is blocked for a while, with connections staying up and
 * bytes waiting; connections are cut; a machine is gone and nobody says so.
 *
 * What cannot happen, since TCP rules it out: bytes of one connection that are lost while later ones arrive, come
 * twice, or in another order.
 */
export class Network implements Ways {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  latency: Latency = { minMs: 0.1, maxMs: 2 };
  private readonly listening = new Map<string, Listening>();
  /** 'from to' */
  private readonly blocked = new Set<string>();
  private readonly hostsDown = new Set<string>();
  private readonly pipes = new Set<Pipe>();

  constructor(time: VirtualTime, random: SeededRandom) {
    this.time = time;
    this.random = random;
  }

  /** @returns ends it */
  listen(process: SimulatedProcess, port: number, accept: (socket: ServerSocket) => void): () => void {
    const key = `${process.host}:${port}`;
    if (this.listening.has(key)) throw Object.assign(new Error(`EADDRINUSE: ${key}`), { code: 'EADDRINUSE' });
    this.listening.set(key, { process, accept });
    const close = () => void this.listening.delete(key);
    process.onEnd(close);
    return close;
  }

  connect(process: SimulatedProcess, { host, port }: Address, events: SocketEvents): ClientSocket {
    const { out, back } = this.channel(process.host, host);
    const client = new ClientEnd(process, out, events, this.time);
    back.to(client);
    out.control(() => this.arrived(`${host}:${port}`, client, out, back));
    return client;
  }

  /** From now on nothing gets from one machine to the other; what is on its way arrives. */
  block(from: string, to: string): void {
    this.blocked.add(`${from} ${to}`);
  }

  unblock(from: string, to: string): void {
    if (!this.blocked.delete(`${from} ${to}`)) return;
    for (const pipe of this.pipes) if (pipe.from === from && pipe.toHost === to) pipe.release();
  }

  unblockAll(): void {
    for (const way of [...this.blocked]) {
      const [from, to] = way.split(' ');
      this.unblock(from!, to!);
    }
  }

  isBlocked(from: string, to: string): boolean {
    return this.blocked.size > 0 && this.blocked.has(`${from} ${to}`);
  }

  /** Nothing there answers, not even that nobody listens. */
  hostDown(host: string): void {
    this.hostsDown.add(host);
  }

  hostUp(host: string): void {
    this.hostsDown.delete(host);
  }

  isDown(host: string): boolean {
    return this.hostsDown.has(host);
  }

  /** Cuts all connections between two machines. */
  cut(a: string, b: string): void {
    for (const pipe of [...this.pipes]) {
      if ((pipe.from === a && pipe.toHost === b) || (pipe.from === b && pipe.toHost === a)) pipe.cut();
    }
  }

  /** Both directions of a connection that carries no bytes but what the simulation itself has to say. */
  channel(from: string, to: string): { out: Pipe; back: Pipe } {
    return { out: this.pipe(from, to), back: this.pipe(to, from) };
  }

  private pipe(from: string, to: string): Pipe {
    const pipe = new Pipe(this, from, to, () => this.pipes.delete(pipe));
    this.pipes.add(pipe);
    return pipe;
  }

  /** The first packet of a connection is there. */
  private arrived(key: string, client: ClientEnd, out: Pipe, back: Pipe): void {
    const listening = this.listening.get(key);
    if (listening === undefined) {
      back.control(() => client.refused());
      return;
    }
    const socket = new ServerSocket(listening.process, client.process.host, back);
    out.to(socket);
    // The system takes a connection also for a process that is paused.
    back.control(() => client.connected());
    listening.process.deliver(() => listening.accept(socket));
  }
}

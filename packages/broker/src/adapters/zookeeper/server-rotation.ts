import type { Random } from '@odradek/core/ports/random.ts';
import type { ServerAddress } from './connect-string.ts';

/** The servers of the ensemble in an order by chance, so that clients spread over them. */
export class ServerRotation {
  private readonly servers: ServerAddress[];
  private tries = 0;

  /** @param servers one or more */
  constructor(servers: readonly ServerAddress[], random: Random) {
    this.servers = shuffled(servers, random);
  }

  get count(): number {
    return this.servers.length;
  }

  /** How often all of them were tried in vain since one was found. */
  get round(): number {
    return Math.floor(this.tries / this.count);
  }

  get isFirstOfRound(): boolean {
    return this.tries % this.count === 0;
  }

  /** The one that is next. After it was lost, too, the others come first. */
  next(): ServerAddress {
    const server = this.servers.shift()!;
    this.servers.push(server);
    this.tries += 1;
    return server;
  }

  /** The last one works. */
  found(): void {
    this.tries = 0;
  }
}

function shuffled(servers: readonly ServerAddress[], random: Random): ServerAddress[] {
  const order = [...servers];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

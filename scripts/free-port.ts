import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what systems give to connections that are opened (Linux from 32768 on, others from 49152): a port from there may
 * be anybody's by the time that the process it was meant for listens.
 */
const PORT_MIN = 12_000;
const PORT_MAX = 32_000;
const ATTEMPTS = 100;

/** A port of this machine that was free a moment ago, and that nobody is given by chance. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const server = createServer().listen(port, host);
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      new Promise<false>((resolve) => server.once('error', () => resolve(false))),
    ]);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`none of ${ATTEMPTS} ports from ${PORT_MIN} to ${PORT_MAX} was free`);
}

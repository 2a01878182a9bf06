// A process that owns a node and tells what it hears of its session, and whatever it is told of a call that it makes
// every 50 ms. Run by faults.test.ts, which stops it meanwhile.
import { PromisedSession } from '../../packages/core/test/coordination/promised-session.ts';
import { connectTo } from './ensemble-world.ts';

const [root = '', sessionTimeoutMs = ''] = process.argv.slice(2);
const raw = await connectTo(root, { sessionTimeoutMs: Number(sessionTimeoutMs) });
const session = new PromisedSession(raw);
await session.create('/owned', 'by the process', 'ephemeral');
raw.onSession((state) => process.send?.(state));
process.send?.('owns /owned');
const read = async (): Promise<void> => {
  const { data } = await session.read('/owned');
  if (data?.toString() !== 'by the process') process.send?.(`saw ${String(data)}`);
  setTimeout(() => void read().catch(() => undefined), 50);
};
await read();

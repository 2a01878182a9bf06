import type {
  Coordination,
  Done,
  NodeContents,
  WriteDone,
  WriteOperation,
} from '@odradek/core/ports/coordination.ts';

/** What went over the wire to the coordination tree, had it been ZooKeeper, and the processor time that it itself took. */
export interface TreeTraffic {
  reads: number;
  /** Transactions. */
  writes: number;
  /** Nodes created, changed, deleted. */
  operations: number;
  bytes: number;
  /** In the tree of this process: not the controller's own time. */
  treeMs: number;
}

// ZooKeeper's framing (jute): length, xid and type of a request; length, xid, zxid and error of an answer.
const REQUEST_BYTES = 12;
const ANSWER_BYTES = 20;
const STAT_BYTES = 68;
const CALLS_PER_TURN = 200;
/** A string or buffer has its length in front. */
const LENGTH_BYTES = 4;
/** Type, end and error of one operation of a transaction, flags and access list of a creation. */
const OPERATION_BYTES = 9 + 4 + 35;

/**
 * A session whose traffic is counted. Only calls and contents are looked at; it behaves as the one inside.
 *
 * @param traffic what is added to at the time
 */
export function countedSession(session: Coordination, traffic: () => TreeTraffic): Coordination {
  const waiting: (() => void)[] = [];
  let next = 0;
  const turn = (): void => {
    const before = process.threadCpuUsage();
    for (const end = Math.min(waiting.length, next + CALLS_PER_TURN); next < end; next++) waiting[next]!();
    const { user, system } = process.threadCpuUsage(before);
    traffic().treeMs += (user + system) / 1000;
    if (next < waiting.length) return void setImmediate(turn);
    waiting.length = 0;
    next = 0;
  };
  /** Calls take effect in their order, some in a turn of the loop, as answers come from a network. */
  const timed = (call: () => void): void => {
    if (waiting.push(call) === 1) setImmediate(turn);
  };
  const asked = (path: string, answerBytes: number): void => {
    traffic().reads++;
    traffic().bytes += REQUEST_BYTES + LENGTH_BYTES + path.length + 1 + ANSWER_BYTES + answerBytes;
  };
  return {
    sessionId: session.sessionId,
    write(operations: readonly WriteOperation[], done: WriteDone) {
      const counts = traffic();
      counts.writes++;
      counts.operations += operations.length;
      counts.bytes += REQUEST_BYTES + ANSWER_BYTES;
      for (const operation of operations) {
        const data = 'data' in operation ? (operation.data?.length ?? 0) : 0;
        counts.bytes += OPERATION_BYTES + 2 * LENGTH_BYTES + operation.path.length + data + STAT_BYTES;
      }
      timed(() => session.write(operations, done));
    },
    read(path, watch, done) {
      const counting = ((error, contents) => {
        const dataBytes = (contents as NodeContents | null)?.data?.length ?? 0;
        asked(path, STAT_BYTES + LENGTH_BYTES + dataBytes);
        done(...([error, contents] as Parameters<typeof done>));
      }) as Done<NodeContents>;
      timed(() => session.read(path, watch, counting));
    },
    stat(path, watch, done) {
      asked(path, STAT_BYTES);
      timed(() => session.stat(path, watch, done));
    },
    children(path, watch, done) {
      const counting = ((error, names) => {
        const nameBytes = ((names ?? []) as readonly string[]).reduce(
          (sum, name) => sum + LENGTH_BYTES + name.length,
          0,
        );
        asked(path, LENGTH_BYTES + nameBytes);
        done(...([error, names] as Parameters<typeof done>));
      }) as Done<readonly string[]>;
      timed(() => session.children(path, watch, counting));
    },
    onSession: (listener) => session.onSession(listener),
    close: (done) => session.close(done),
  };
}

export function noTraffic(): TreeTraffic {
  return { reads: 0, writes: 0, operations: 0, bytes: 0, treeMs: 0 };
}

import {
  CoordinationError,
  type Coordination,
  type Done,
  type NodeContents,
  type SessionState,
  type Stat,
  type Watch,
  type WatchEvent,
  type WriteOperation,
  type WriteDone,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import { parentOf } from '../coordination/tree-path.ts';
import { WatchTable, type WatchKind } from '../coordination/watch-table.ts';
import type { TreeStore } from './tree-store.ts';
import type { TreeChange } from './tree-write.ts';

/** Something to tell a session once all that happened before it is durable. */
export interface Delivery {
  deliver(): void;
  /** The transaction could not be committed and was undone. */
  undo(error: CoordinationError): void;
}

/** What a session asks of its tree. */
export interface SessionTree {
  /** Reads see all writes that were made before, committed or not. */
  read<Value>(query: (store: TreeStore) => Value): Value;
  /** A change in the open transaction. What watches it is queued to fire before what comes after. */
  change<Value>(
    apply: (store: TreeStore, nowMs: number) => { value: Value; changes: readonly TreeChange[] },
  ): Value;
  /** Takes the session out of the tree, with its nodes. */
  endSession(sessionId: string): void;
  /** Tells in order, after the commit. */
  deliverLater(delivery: Delivery): void;
}

/** One session on an embedded tree. It is never disconnected: it lives until it is closed or expired. */
export class EmbeddedSession implements Coordination {
  readonly sessionId: string;
  private readonly tree: SessionTree;
  private readonly watches = new WatchTable();
  private readonly listeners = new Set<(state: SessionState) => void>();
  private isOver = false;

  constructor(tree: SessionTree, sessionId: string) {
    this.tree = tree;
    this.sessionId = sessionId;
  }

  write(operations: readonly WriteOperation[], done: WriteDone): void {
    if (operations.length === 0) throw new RangeError('a write needs at least one operation');
    const tell: Done<readonly WriteResult[]> = (error, results) => done(error, results ?? []);
    this.answer(operations[0]!.path, tell, () =>
      this.tree.change((store, nowMs) => {
        const { results, changes } = store.write(operations, this.sessionId, nowMs);
        return { value: results, changes };
      }),
    );
  }

  read(path: string, watch: Watch | null, done: Done<NodeContents>): void {
    this.answer(path, done, () => {
      const contents = this.tree.read((store) => store.read(path));
      this.addWatch('node', path, watch);
      return contents;
    });
  }

  stat(path: string, watch: Watch | null, done: Done<Stat | null>): void {
    this.answer(path, done, () => {
      const stat = this.tree.read((store) => store.stat(path));
      this.addWatch(stat === null ? 'absent-node' : 'node', path, watch);
      return stat;
    });
  }

  children(path: string, watch: Watch | null, done: Done<readonly string[]>): void {
    this.answer(path, done, () => {
      const names = this.tree.read((store) => store.children(path));
      this.addWatch('children', path, watch);
      return names;
    });
  }

  onSession(listener: (state: SessionState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(done: () => void): void {
    this.end();
    this.tree.deliverLater({ deliver: done, undo: done });
  }

  /** The tree ends the session. */
  expire(): void {
    if (this.isOver) return;
    this.end();
    const tell = () => {
      for (const listener of this.listeners) listener('expired');
    };
    this.tree.deliverLater({ deliver: tell, undo: tell });
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.watches.clear();
    this.tree.endSession(this.sessionId);
  }

  /** For the tree: queues the watches that a change concerns. */
  fireWatches(change: TreeChange): void {
    const firing = eventsOf(change).flatMap((event) => this.watches.take(event));
    for (const { watch, event, kind } of firing) {
      this.tree.deliverLater({
        deliver: () => {
          if (!this.isOver) watch(event);
        },
        undo: () => this.addWatch(kind, event.path, watch),
      });
    }
  }

  private addWatch(kind: WatchKind, path: string, watch: Watch | null): void {
    if (watch !== null && !this.isOver) this.watches.add(kind, path, watch);
  }

  /** Takes effect now; the answer comes after the commit and after the watches that fired before it. */
  private answer<Value>(path: string, done: Done<Value>, act: () => Value): void {
    let deliver: () => void;
    if (this.isOver) {
      deliver = () => done(new CoordinationError('SESSIONEXPIRED', path), null);
    } else {
      try {
        const value = act();
        deliver = () => done(null, value);
      } catch (cause) {
        const error =
          cause instanceof CoordinationError
            ? cause
            : new CoordinationError('SYSTEMERROR', path, { message: String(cause), cause });
        deliver = () => done(error, null);
      }
    }
    this.tree.deliverLater({ deliver, undo: (error) => done(error, null) });
  }
}

/** What a change is for who watches the node, and for who watches its parent. */
function eventsOf({ type, path }: TreeChange): WatchEvent[] {
  const own: WatchEvent = { type, path };
  return type === 'data' ? [own] : [own, { type: 'children', path: parentOf(path) }];
}

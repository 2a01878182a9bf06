import { nameOf, parentOf, ROOT } from '@odradek/broker/adapters/coordination/tree-path.ts';
import {
  statOf,
  type TreeChange,
  type TreeNode,
  TreeWrite,
} from '@odradek/broker/adapters/embedded-coordination/tree-write.ts';
import {
  CoordinationError,
  type NodeContents,
  type Stat,
  type WriteOperation,
  type WriteResult,
} from '@odradek/core/ports/coordination.ts';
import type { DriftingClock } from '../time/drifting-clock.ts';
import type { VirtualTime } from '../time/virtual-time.ts';

/** What the ensemble tells a session's client. */
export interface SessionHolder {
  changed(change: TreeChange): void;
  /** Told at the moment in which the session ends, by whatever. */
  ended(): void;
}

interface ServerSession {
  readonly id: string;
  readonly timeoutMs: number;
  readonly holder: SessionHolder;
  heardMs: number;
}

/** How often the ensemble looks for sessions that it has heard nothing of (tickTime). */
const TICK_MS = 100;

/**
 * A ZooKeeper ensemble, as its clients see it: one tree that never loses a write it has answered, one order of all
 * writes, and sessions that end when nothing was heard of them for their timeout.
 */
export class SimulatedEnsemble {
  readonly host = 'zookeeper';
  readonly time: VirtualTime;
  private readonly clock: DriftingClock;
  private readonly nodes = new Map<string, TreeNode>();
  private readonly childrenOf = new Map<string, Set<string>>();
  private readonly sessions = new Map<string, ServerSession>();
  private zxid = 0;

  constructor(time: VirtualTime, clock: DriftingClock) {
    this.time = time;
    this.clock = clock;
    this.insert({
      path: ROOT,
      data: null,
      czxid: 0,
      mzxid: 0,
      ctimeMs: clock.now(),
      mtimeMs: clock.now(),
      version: 0,
      createdChildren: 0,
      childCount: 0,
      owner: null,
    });
    this.tick();
  }

  /** Grows with every change of the tree. */
  get version(): number {
    return this.zxid;
  }

  /** What true time it was when the ensemble's clock showed `wallMs`, since the simulation began, milliseconds. */
  elapsedMs(wallMs: number): number {
    return this.time.nowMs - (this.clock.now() - wallMs);
  }

  /** @returns the session's id */
  openSession(timeoutMs: number, holder: SessionHolder): string {
    this.zxid += 1;
    const id = this.zxid.toString(16);
    this.sessions.set(id, { id, timeoutMs, holder, heardMs: this.time.nowMs });
    return id;
  }

  /** A sign of life. @returns whether the session lives */
  heard(id: string): boolean {
    const session = this.sessions.get(id);
    if (session !== undefined) session.heardMs = this.time.nowMs;
    return session !== undefined;
  }

  isLive(id: string): boolean {
    return this.sessions.has(id);
  }

  endSession(id: string): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.sessions.delete(id);
    session.holder.ended();
    const owned = [...this.nodes.values()].filter(({ owner }) => owner === id).map(({ path }) => path);
    for (const path of owned) this.write(id, [{ type: 'delete', path, version: -1 }]);
  }

  /** @throws CoordinationError; nothing has changed then */
  write(sessionId: string, operations: readonly WriteOperation[]): WriteResult[] {
    const zxid = this.zxid + 1;
    const load = (path: string) => {
      const node = this.nodes.get(path);
      return node === undefined ? null : { ...node };
    };
    const write = new TreeWrite(load, { sessionId, nowMs: this.clock.now(), zxid });
    const results = write.applyAll(operations);
    this.zxid = zxid;
    write.flush({
      insert: (node) => this.insert(node),
      update: (node) => void this.nodes.set(node.path, node),
      remove: (path) => this.remove(path),
    });
    for (const change of write.changes) {
      for (const { holder } of [...this.sessions.values()]) holder.changed(change);
    }
    return results;
  }

  /** @throws CoordinationError NONODE */
  read(path: string): NodeContents {
    const node = this.existing(path);
    return { data: node.data, stat: statOf(node) };
  }

  stat(path: string): Stat | null {
    const node = this.nodes.get(path);
    return node === undefined ? null : statOf(node);
  }

  /** @throws CoordinationError NONODE */
  children(path: string): string[] {
    this.existing(path);
    return [...(this.childrenOf.get(path) ?? [])];
  }

  private existing(path: string): TreeNode {
    const node = this.nodes.get(path);
    if (node === undefined) throw new CoordinationError('NONODE', path);
    return node;
  }

  private insert(node: TreeNode): void {
    this.nodes.set(node.path, node);
    if (node.path === ROOT) return;
    const parent = parentOf(node.path);
    const siblings = this.childrenOf.get(parent);
    if (siblings === undefined) this.childrenOf.set(parent, new Set([nameOf(node.path)]));
    else siblings.add(nameOf(node.path));
  }

  private remove(path: string): void {
    this.nodes.delete(path);
    this.childrenOf.get(parentOf(path))?.delete(nameOf(path));
  }

  private tick(): void {
    for (const { id, heardMs, timeoutMs } of [...this.sessions.values()]) {
      if (this.time.nowMs - heardMs >= timeoutMs) this.endSession(id);
    }
    this.time.after(TICK_MS, () => this.tick());
  }
}

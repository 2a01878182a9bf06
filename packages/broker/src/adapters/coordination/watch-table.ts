import type { Watch, WatchEvent } from '@odradek/core/ports/coordination.ts';

/**
 * What a watch was set on: a node that was there, a node that was not there yet, or the children of a node. After a
 * lost connection ZooKeeper wants to know which.
 */
export type WatchKind = 'node' | 'absent-node' | 'children';

/** A watch that was taken out of the table to fire. */
export interface FiringWatch {
  readonly watch: Watch;
  readonly event: WatchEvent;
  readonly kind: WatchKind;
}

/** Which watches an event concerns: a deletion also those that wait for children, which will never come. */
const CONCERNED: Readonly<Record<WatchEvent['type'], readonly WatchKind[]>> = {
  created: ['node', 'absent-node'],
  data: ['node', 'absent-node'],
  deleted: ['node', 'absent-node', 'children'],
  children: ['children'],
};

/** The one-shot watches of one session. Each function is held once per path and kind. */
export class WatchTable {
  private readonly watches: Record<WatchKind, Map<string, Set<Watch>>> = {
    node: new Map(),
    'absent-node': new Map(),
    children: new Map(),
  };

  add(kind: WatchKind, path: string, watch: Watch): void {
    const table = this.watches[kind];
    let set = table.get(path);
    if (set === undefined) table.set(path, (set = new Set()));
    set.add(watch);
  }

  /** Takes out what an event concerns, each function once, even when it watches the node and its children. */
  take(event: WatchEvent): FiringWatch[] {
    const firing = new Map<Watch, FiringWatch>();
    for (const kind of CONCERNED[event.type]) {
      const set = this.watches[kind].get(event.path);
      if (set === undefined) continue;
      this.watches[kind].delete(event.path);
      for (const watch of set) if (!firing.has(watch)) firing.set(watch, { watch, event, kind });
    }
    return [...firing.values()];
  }

  /** Whether watches of any kind wait on a path. */
  has(path: string): boolean {
    return Object.values(this.watches).some((table) => table.has(path));
  }

  /** The paths on which watches of a kind wait. */
  paths(kind: WatchKind): readonly string[] {
    return [...this.watches[kind].keys()];
  }

  clear(): void {
    for (const table of Object.values(this.watches)) table.clear();
  }
}

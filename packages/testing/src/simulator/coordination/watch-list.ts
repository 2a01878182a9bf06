import { parentOf } from '@odradek/broker/adapters/coordination/tree-path.ts';
import type { TreeChange } from '@odradek/broker/adapters/embedded-coordination/tree-write.ts';
import type { Watch, WatchEvent } from '@odradek/core/ports/coordination.ts';

/** Whether the client knows that a watch was set: its answer has come. */
export interface WatchOrigin {
  isAnswered: boolean;
}

export type WatchTarget = 'node' | 'children';

/** An event for one session, and who is to hear of it. */
export interface Firing {
  readonly event: WatchEvent;
  readonly watchers: ReadonlyMap<Watch, readonly WatchOrigin[]>;
}

/** The one-shot watches of one session, as the ensemble keeps them. */
export class WatchList {
  private readonly lists: Record<WatchTarget, Map<string, Map<Watch, WatchOrigin[]>>> = {
    node: new Map(),
    children: new Map(),
  };

  add(target: WatchTarget, path: string, watch: Watch, origin: WatchOrigin): void {
    const list = this.lists[target];
    let watchers = list.get(path);
    if (watchers === undefined) list.set(path, (watchers = new Map()));
    watchers.set(watch, [...(watchers.get(watch) ?? []), origin]);
  }

  /** Takes out what a change concerns. */
  fire({ type, path }: TreeChange): Firing[] {
    const own: WatchEvent = { type, path };
    const targets: WatchTarget[] = type === 'deleted' ? ['node', 'children'] : ['node'];
    const firings = [this.take(own, targets)];
    if (type !== 'data') firings.push(this.take({ type: 'children', path: parentOf(path) }, ['children']));
    return firings.filter(({ watchers }) => watchers.size > 0);
  }

  clear(): void {
    for (const list of Object.values(this.lists)) list.clear();
  }

  private take(event: WatchEvent, targets: readonly WatchTarget[]): Firing {
    const watchers = new Map<Watch, WatchOrigin[]>();
    for (const target of targets) {
      for (const [watch, origins] of this.lists[target].get(event.path) ?? []) {
        watchers.set(watch, [...(watchers.get(watch) ?? []), ...origins]);
      }
      this.lists[target].delete(event.path);
    }
    return { event, watchers };
  }
}

import type { Coordination, Stat, WriteOperation, WriteResult } from '@odradek/core/ports/coordination.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import { CoordinationError } from '@odradek/core/ports/coordination.ts';
import type { Properties } from './server-properties.ts';
import type { EntityPath } from './config-tree.ts';
import {
  configPath,
  configRootPaths,
  decodeConfig,
  decodeConfigChange,
  encodeConfig,
  encodeConfigChange,
  topicEntity,
} from './config-tree.ts';

/** A change notice is of no use to anybody after so long: all brokers have seen it, or read everything at their start. */
const NOTICE_LIFE_MS = 15 * 60_000;

/** The version of a node that does not exist. */
const ABSENT = -2;

/** Settings of one entity and the state of the node that held them. */
export interface StoredConfig {
  readonly settings: Properties;
  readonly version: number;
  /** Transaction that wrote them; 0 without a node. Of two readings the one with the greater is newer. */
  readonly zxid: number;
}

/**
 * Dynamic settings in the coordination tree. A change writes the entity's node and a notice for all brokers in one
 * step; whoever read the node before another changed it fails with BADVERSION and reads again.
 */
export class ConfigStore {
  readonly #coordination: Coordination;

  constructor(coordination: Coordination) {
    this.#coordination = coordination;
  }

  /** Creates the nodes that hold the others, where they are missing. */
  async prepare(): Promise<void> {
    for (const path of configRootPaths) {
      await this.#write([{ type: 'create', path, data: null, mode: 'persistent' }]).catch(
        unless('NODEEXISTS'),
      );
    }
  }

  async read(entity: EntityPath): Promise<StoredConfig> {
    try {
      const { data, stat } = await this.#read(configPath(entity));
      return { settings: decodeConfig(configPath(entity), data), version: stat.version, zxid: stat.mzxid };
    } catch (error) {
      if (isCode(error, 'NONODE')) return { settings: {}, version: ABSENT, zxid: 0 };
      throw error;
    }
  }

  /**
   * @returns what is stored now
   * @throws CoordinationError BADVERSION, NODEEXISTS or NONODE when the node is no longer as it was read
   */
  async replace(entity: EntityPath, before: StoredConfig, settings: Properties): Promise<StoredConfig> {
    const path = configPath(entity);
    const data = encodeConfig(settings);
    const change: WriteOperation =
      before.version === ABSENT
        ? { type: 'create', path, data, mode: 'persistent' }
        : { type: 'set', path, data, version: before.version };
    const [written] = await this.#write([change, notice(entity)]);
    const stat = written?.stat ?? null;
    if (stat === null) throw new Error(`No state came back for ${path}`);
    return { settings, version: stat.version, zxid: stat.mzxid };
  }

  /** Names of the topics that have settings. What is left of a topic that exists no more is not for the next one. */
  async topics(): Promise<readonly string[]> {
    const named = await this.#children(treePaths.topicConfigs, null);
    const existing = new Set((await this.#children(treePaths.topics, null).catch(unless('NONODE'))) ?? []);
    return named.filter((topic) => existing.has(topic));
  }

  readTopic(topic: string): Promise<StoredConfig> {
    return this.read(topicEntity(topic));
  }

  /**
   * @param onChange runs once, for the first notice after this call
   * @returns the names of the notices there are
   */
  notices(onChange: (() => void) | null): Promise<readonly string[]> {
    return this.#children(treePaths.configChanges, onChange);
  }

  /** @returns what a notice is about; null where it is gone or speaks of something else */
  async readNotice(name: string): Promise<{ entity: EntityPath | null; createdMs: number } | null> {
    try {
      const path = `${treePaths.configChanges}/${name}`;
      const { data, stat } = await this.#read(path);
      return { entity: decodeConfigChange(path, data), createdMs: stat.ctimeMs };
    } catch (error) {
      if (isCode(error, 'NONODE')) return null;
      throw error;
    }
  }

  /** Removes notices that have lived long enough; another broker may be doing the same. */
  async removeOld(notices: readonly { name: string; createdMs: number }[], nowMs: number): Promise<void> {
    for (const { name } of notices.filter((one) => nowMs - one.createdMs > NOTICE_LIFE_MS)) {
      const path = `${treePaths.configChanges}/${name}`;
      await this.#write([{ type: 'delete', path, version: -1 }]).catch(unless('NONODE'));
    }
  }

  #read(path: string): Promise<{ data: Buffer | null; stat: Stat }> {
    return new Promise((resolve, reject) =>
      this.#coordination.read(path, null, (error, contents) =>
        error === null ? resolve(contents) : reject(error),
      ),
    );
  }

  #children(path: string, onChange: (() => void) | null): Promise<readonly string[]> {
    return new Promise((resolve, reject) =>
      this.#coordination.children(path, onChange, (error, names) =>
        error === null ? resolve(names) : reject(error),
      ),
    );
  }

  #write(operations: readonly WriteOperation[]): Promise<readonly WriteResult[]> {
    return new Promise((resolve, reject) =>
      this.#coordination.write(operations, (error, results) =>
        error === null ? resolve(results) : reject(error),
      ),
    );
  }
}

function notice(entity: EntityPath): WriteOperation {
  return {
    type: 'create',
    path: `${treePaths.configChanges}/config_change_`,
    data: encodeConfigChange(entity),
    mode: 'persistent-sequential',
  };
}

export function isCode(error: unknown, ...codes: CoordinationError['code'][]): boolean {
  return error instanceof CoordinationError && codes.includes(error.code);
}

function unless(code: CoordinationError['code']): (error: unknown) => null {
  return (error) => {
    if (!isCode(error, code)) throw error;
    return null;
  };
}

import type { ReferencedSchema } from '../registry/schema.ts';
import { protoSource, type ProtoSource } from './proto-source.ts';
import {
  isType,
  loadProtobufjs,
  type Protobufjs,
  type ProtoNode,
  type ProtoRoot,
  type ProtoType,
} from './protobufjs.ts';

/** A message of a file. */
export interface FileMessage {
  /** Within its file: "Order", "Order.Item". */
  readonly path: string;
  /** By which payloads name it: its place among the outermost messages, then among those in that one, and so on. */
  readonly indexes: readonly number[];
  readonly type: ProtoType;
}

/**
 * The messages of a file with all that they use, in the order of their declaration, each before those in it.
 *
 * @param referenced by the paths under which they are imported
 * @throws MissingPeerError; Error when it is no .proto file, or imports what is not there
 */
export async function messagesOf(
  text: string,
  referenced: readonly ReferencedSchema[],
): Promise<readonly FileMessage[]> {
  const protobufjs = await loadProtobufjs();
  const files = new Map<string, ProtoSource>();
  for (const each of referenced) files.set(each.name, await protoSource(each.text));
  const file = await protoSource(text);
  const root = new protobufjs.Root();
  addWithImports({ protobufjs, root, files, done: new Set() }, file);
  root.resolveAll();
  // By itself, for the order: beside others of its package it could not be told what is declared where.
  const alone = new protobufjs.Root();
  file.addTo(alone);
  const scope = file.packageName === '' ? alone : alone.lookup(file.packageName);
  return messagesIn(scope, root, null);
}

function messagesIn(
  scope: ProtoNode | null,
  root: ProtoRoot,
  outer: FileMessage | null,
): readonly FileMessage[] {
  const types = (scope?.nestedArray ?? []).filter((node) => isType(node));
  return types
    .filter(({ group }) => group !== true)
    .flatMap((type, index) => {
      const message: FileMessage = {
        path: outer === null ? type.name : `${outer.path}.${type.name}`,
        indexes: [...(outer?.indexes ?? []), index],
        type: root.lookupType(type.fullName),
      };
      return [message, ...messagesIn(type, root, message)];
    });
}

interface Imports {
  readonly protobufjs: Protobufjs;
  readonly root: ProtoRoot;
  readonly files: ReadonlyMap<string, ProtoSource>;
  /** Paths of those that were added. */
  readonly done: Set<string>;
}

function addWithImports(imports: Imports, file: ProtoSource): void {
  file.addTo(imports.root);
  for (const path of file.imports) {
    if (imports.done.has(path)) continue;
    imports.done.add(path);
    const referenced = imports.files.get(path);
    const common = imports.protobufjs.common.get(path);
    if (referenced !== undefined) addWithImports(imports, referenced);
    else if (common !== null) imports.root.addJSON(common.nested);
    else throw new Error(`its schema imports "${path}", which is none of its references`);
  }
}

import type { UnknownTaggedField } from '../api-codec.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Reads the tagged fields of a struct that has none of its own; undefined when there are none. */
export function readUnknownTaggedFields(reader: Reader): UnknownTaggedField[] | undefined {
  const count = reader.taggedFieldCount();
  if (count === 0) return undefined;
  const fields: UnknownTaggedField[] = [];
  for (let left = count; left > 0; left--) {
    const tag = reader.unsignedVarint();
    const end = reader.taggedFieldEnd();
    fields.push({ tag, data: reader.view(end - reader.position) });
  }
  return fields;
}

/** Writes the tagged fields of a struct that has none of its own. */
export function writeUnknownTaggedFields(
  writer: Writer,
  fields: readonly UnknownTaggedField[] | undefined,
): void {
  if (fields === undefined || fields.length === 0) writer.unsignedVarint(0);
  else new TaggedFields(fields).writeTo(writer);
}

/** The start of a section of tagged fields: null as long as there are none, which is the common case. */
export function taggedFieldsOf(unknown: readonly UnknownTaggedField[] | undefined): TaggedFields | null {
  return unknown === undefined || unknown.length === 0 ? null : new TaggedFields(unknown);
}

export function writeTaggedFields(writer: Writer, tags: TaggedFields | null): void {
  if (tags === null) writer.unsignedVarint(0);
  else tags.writeTo(writer);
}

/**
 * Gathers the tagged fields of a struct, known and unknown, and writes them in ascending order of their tags,
 * as KIP-482 asks.
 */
export class TaggedFields {
  private readonly contents: { readonly tag: number; readonly content: Writer | Buffer }[];

  constructor(unknown: readonly UnknownTaggedField[] = []) {
    this.contents = unknown.map(({ tag, data }) => ({ tag, content: data }));
  }

  /** A writer for the content of a field. @throws Error when the tag is already there as an unknown field */
  add(tag: number): Writer {
    if (this.contents.some((field) => field.tag === tag)) {
      throw new Error(`tag ${tag} stands for a known field and may not be among the unknown ones`);
    }
    const content = new Writer(32);
    this.contents.push({ tag, content });
    return content;
  }

  writeTo(writer: Writer): void {
    this.contents.sort((a, b) => a.tag - b.tag);
    writer.unsignedVarint(this.contents.length);
    for (const { tag, content } of this.contents) {
      const data = Buffer.isBuffer(content) ? content : content.toBuffer();
      writer.unsignedVarint(tag);
      writer.unsignedVarint(data.length);
      writer.raw(data);
    }
  }
}

import { loadDescriptors, loadProtobufjs, type ProtoRoot } from './protobufjs.ts';

/** Of a FileDescriptorProto, which some clients register in place of the text that it was made of. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** A .proto file, in whichever form it was registered. */
export interface ProtoSource {
  /** Empty for none. */
  readonly packageName: string;
  /** Paths of the files that it uses. */
  readonly imports: readonly string[];
  /** Declares what is in it. */
  readonly addTo: (root: ProtoRoot) => void;
}

/** @throws MissingPeerError; Error when it is no .proto file */
export async function protoSource(given: string): Promise<ProtoSource> {
  return BASE64.test(given.trim()) ? fromDescriptor(Buffer.from(given, 'base64')) : fromText(given);
}

async function fromText(text: string): Promise<ProtoSource> {
  const protobufjs = await loadProtobufjs();
  const addTo = (root: ProtoRoot) => protobufjs.parse(text, root, { keepCase: false });
  const { package: packageName = '', imports = [], weakImports = [] } = addTo(new protobufjs.Root());
  return { packageName, imports: [...imports, ...weakImports], addTo };
}

/** Message by message: all at once they would have to find what they import, which is added later. */
async function fromDescriptor(bytes: Buffer): Promise<ProtoSource> {
  const { Type, Enum } = await loadProtobufjs();
  const { FileDescriptorProto } = await loadDescriptors();
  const file = FileDescriptorProto.decode(bytes);
  const { package: packageName = '', dependency = [], messageType = [], enumType = [], syntax } = file;
  const edition = syntax === 'proto3' ? 'proto3' : 'proto2';
  return {
    packageName,
    imports: dependency,
    addTo: (root) => {
      const scope = packageName === '' ? root : root.define(packageName);
      for (const each of messageType) scope.add(Type.fromDescriptor(each, edition));
      for (const each of enumType) scope.add(Enum.fromDescriptor(each, edition));
    },
  };
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** What an embedded engine runs; everything in it decides what a client gets for its money. */
export interface ModelManifest {
    /** name under which the model is offered */
    model: string;
    /** SHA-256 of the weights file, which in GGUF holds tokenizer and chat template too */
    weightsHash: Buffer;
    /** arguments of the engine that change answers, in a fixed order */
    engineArguments: readonly string[];
}

/** The root that the registry lists and the key bundle names: SHA256("CMod" | b8(model) | weights | n | b16(arg)…). */
export function modelRootOf({ model, weightsHash, engineArguments }: ModelManifest): Buffer {
    const hash = createHash('sha256').update('CMod', 'latin1');
    const name = Buffer.from(model, 'utf8');
    hash.update(Buffer.from([name.length]))
        .update(name)
        .update(weightsHash)
        .update(Buffer.from([engineArguments.length]));
    for (const argument of engineArguments) {
        const bytes = Buffer.from(argument, 'utf8');
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length);
        hash.update(length).update(bytes);
    }
    return hash.digest();
}

export async function fileHash(file: string): Promise<Buffer> {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    return hash.digest();
}

/** The embedded engine's arguments that matter for answers. */
export const llamaCppArguments = ['engine=llama.cpp', 'sampling=request'] as const;

export async function ggufModelRoot(file: string, model: string): Promise<Buffer> {
    return modelRootOf({ model, weightsHash: await fileHash(file), engineArguments: llamaCppArguments });
}

import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { gcmNonceBytes, gcmTagBytes } from './envelope';
import { ConfidentialError } from './errors';
import { type FrameKind } from './frame-format';
import { frameBucket, unpad } from './padding';

const algorithm = 'aes-256-gcm';

/** What both ends of an answer derive its frame key from. */
export interface FrameKeySource {
    cek: Buffer;
    requestHash: Buffer;
    nodeKey: Buffer;
    /** of the start frame; makes the key new even where everything else is the same */
    fresh: Buffer;
}

/** AES-256-GCM with counter nonces: no two frames of an answer share a nonce, no two answers a key. */
export class FrameCipher {
    private readonly key: Buffer;
    /** "CFrm" | h | u64(i) | kind and u96(i), rewritten for each frame */
    private readonly aad = Buffer.alloc(45);
    private readonly nonce = Buffer.alloc(gcmNonceBytes);

    constructor(source: FrameKeySource) {
        const salt = Buffer.concat([source.requestHash, source.fresh]);
        const info = Buffer.concat([Buffer.from('CFrm', 'latin1'), source.nodeKey]);
        this.key = Buffer.from(hkdfSync('sha256', source.cek, salt, info, 32));
        this.aad.write('CFrm', 0, 'latin1');
        source.requestHash.copy(this.aad, 4);
    }

    /** The length that `seal` will write for content of this length. */
    static sealedBytes(contentBytes: number): number {
        return frameBucket(contentBytes + 4) + gcmTagBytes;
    }

    /** Writes the sealed content to the end of `wire`, from `offset` on; `parts` are the content in order. */
    seal(at: FramePosition, parts: readonly Buffer[], wire: Buffer, offset: number): void {
        const tagOffset = wire.length - gcmTagBytes;
        let end = offset + 4;
        for (const part of parts) end += part.copy(wire, end);
        wire.writeUInt32BE(end - offset - 4, offset);
        wire.fill(0, end, tagOffset);
        this.position(at);
        const cipher = createCipheriv(algorithm, this.key, this.nonce);
        cipher.setAAD(this.aad);
        cipher.update(wire.subarray(offset, tagOffset)).copy(wire, offset);
        cipher.final();
        cipher.getAuthTag().copy(wire, tagOffset);
    }

    open(at: FramePosition, sealed: Buffer): Buffer {
        const tagOffset = sealed.length - gcmTagBytes;
        this.position(at);
        const decipher = createDecipheriv(algorithm, this.key, this.nonce, { authTagLength: gcmTagBytes });
        decipher.setAAD(this.aad);
        decipher.setAuthTag(sealed.subarray(tagOffset));
        const padded = decipher.update(sealed.subarray(0, tagOffset));
        try {
            decipher.final();
        } catch {
            throw new ConfidentialError('frame_undecryptable', `frame ${at.index} was altered, moved or is foreign`);
        }
        const content = unpad(padded);
        if (!content || frameBucket(content.length + 4) !== padded.length) {
            throw new ConfidentialError('frame_invalid', `frame ${at.index} is not padded as it must be`);
        }
        return content;
    }

    erase(): void {
        this.key.fill(0);
    }

    private position({ index, kind }: FramePosition): void {
        this.aad.writeUInt32BE(Math.floor(index / 0x100000000), 36);
        this.aad.writeUInt32BE(index >>> 0, 40);
        this.aad.writeUInt8(kind, 44);
        this.aad.copy(this.nonce, 4, 36, 44);
    }
}

export interface FramePosition {
    index: number;
    kind: FrameKind;
}

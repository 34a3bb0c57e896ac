import { sha256 } from '../../wrappers/digest';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { checkUsage, type TokenUsage, usageProblem } from './pricing';

/** What a receipt's `usage_hash` commits to; the salt keeps anyone from guessing the token counts. */
export interface SaltedUsage extends TokenUsage {
    salt: Buffer;
    /** place of the model in the offer */
    modelIndex: number;
}

export const usageBytes = 49;

export function encodeUsage(usage: SaltedUsage): Buffer {
    checkUsage(usage);
    return new ByteWriter()
        .fixed('salt', usage.salt, 32)
        .u32('promptTokens', usage.promptTokens)
        .u32('cachedPromptTokens', usage.cachedPromptTokens)
        .u32('completionTokens', usage.completionTokens)
        .u32('reasoningTokens', usage.reasoningTokens)
        .u8('modelIndex', usage.modelIndex)
        .finish();
}

export function decodeUsage(bytes: Buffer): SaltedUsage {
    const reader = new ByteReader(bytes, 'frame_invalid', 'usage');
    const usage: SaltedUsage = {
        salt: Buffer.from(reader.fixed(32)),
        promptTokens: reader.u32(),
        cachedPromptTokens: reader.u32(),
        completionTokens: reader.u32(),
        reasoningTokens: reader.u32(),
        modelIndex: reader.u8(),
    };
    reader.end();
    const problem = usageProblem(usage);
    if (problem) reader.fail(problem);
    return usage;
}

/** SHA256("CUsg" | usage) */
export function usageHash(encoded: Buffer): Buffer {
    return sha256(Buffer.from('CUsg', 'latin1'), encoded);
}

import { isGiven } from './request-fields';
import { invalid, unsupported } from './refuse';

/** Of a chat message: text, image_url, file, input_audio or refusal. */
export type ContentPart = { type: string } & Record<string, unknown>;

type Part = Record<string, unknown>;

/** By the part's type in a responses request; what a reader gets is the chat's spelling of it. */
const spellings: Record<string, (part: Part, param: string) => ContentPart> = {
    input_text: textPart,
    output_text: textPart,
    refusal: ({ refusal }) => ({ type: 'refusal', refusal }),
    input_image: imagePart,
    input_file: filePart,
    input_audio: ({ input_audio }) => ({ type: 'input_audio', input_audio }),
};

/** A text stays one; parts that are all text become one, which every chat template takes. */
export function contentParts(content: unknown, param: string): string | ContentPart[] {
    if (typeof content === 'string') return content;
    if (!Array.isArray(content)) throw invalid(param, 'must be a text or a list of parts');
    const parts = content.map((part: unknown, index) => contentPart(part, `${param}.${index}`));
    const [only] = parts;
    return parts.length === 1 && only!.type === 'text' ? (only!['text'] as string) : parts;
}

function contentPart(part: unknown, param: string): ContentPart {
    if (typeof part !== 'object' || part === null) throw invalid(param, 'must be an object');
    const { type } = part as Part;
    const spell = typeof type === 'string' && Object.hasOwn(spellings, type) ? spellings[type] : undefined;
    if (spell === undefined) throw unsupported(`${param}.type`, 'this kind of content is not supported');
    return spell(part as Part, param);
}

function textPart({ text }: Part, param: string): ContentPart {
    if (typeof text !== 'string') throw invalid(`${param}.text`, 'must be a text');
    return { type: 'text', text };
}

function imagePart({ image_url: url, file_id, detail }: Part, param: string): ContentPart {
    refuseFileId(file_id, param);
    if (typeof url !== 'string') throw invalid(`${param}.image_url`, 'must be a URL');
    return { type: 'image_url', image_url: { url, ...(isGiven(detail) && { detail }) } };
}

function filePart({ file_data, filename, file_id, file_url }: Part, param: string): ContentPart {
    refuseFileId(file_id, param);
    if (isGiven(file_url)) throw unsupported(`${param}.file_url`, `files are not fetched: send 'file_data'`);
    return { type: 'file', file: { file_data, filename } };
}

function refuseFileId(fileId: unknown, param: string): void {
    if (isGiven(fileId)) throw unsupported(`${param}.file_id`, 'files are not kept here: send the content itself');
}

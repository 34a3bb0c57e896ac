import { randomBytes } from 'node:crypto';
import { Template } from '@huggingface/jinja';
import { EngineError } from './errors';
import { ChatMessage } from './generation-request';

/** A stretch of a prompt: the template's own text, where markers are real, or what somebody typed. */
export interface PromptPart {
    text: string;
    typed: boolean;
}

export interface TemplateMarkers {
    bosText: string;
    eosText: string;
}

/**
 * Renders the model's chat template around placeholders and only then puts the messages in, as separate parts.
 * So a message cannot forge a role or an end marker, whatever it says: its part is never read as markup.
 */
export class ChatTemplate {
    private readonly template: Template;

    constructor(
        source: string,
        private readonly markers: TemplateMarkers,
    ) {
        this.template = new Template(source);
    }

    render(messages: readonly ChatMessage[]): PromptPart[] {
        const nonce = randomBytes(12).toString('hex');
        const placeholder = (index: number) => `[${nonce}:${index}]`;
        const rendered = this.renderText(
            messages.map((message, index) => ({ ...message, content: placeholder(index) })),
        );
        const lost = messages.findIndex((_, index) => !rendered.includes(placeholder(index)));
        if (lost >= 0) {
            const param = `messages.${lost}`;
            throw new EngineError('unsupported_parameter', `this model's chat template has no place for ${param}`, {
                param,
            });
        }
        // Splitting by a pattern with one group puts text at even places and message numbers at odd ones.
        const pieces = rendered.split(new RegExp(`\\[${nonce}:(\\d+)\\]`));
        return pieces
            .map((piece, at) => (at % 2 === 0 ? markup(piece) : typed(messages[Number(piece)]?.content ?? '')))
            .filter((part) => part.text !== '');
    }

    private renderText(messages: readonly ChatMessage[]): string {
        try {
            return this.template.render({
                messages,
                add_generation_prompt: true,
                bos_token: this.markers.bosText,
                eos_token: this.markers.eosText,
            });
        } catch (cause) {
            // Templates refuse by raising, mostly because roles do not alternate as the model expects.
            const reason = cause instanceof Error ? cause.message : 'refused';
            const message = `the model's chat template does not take these messages: ${reason}`;
            throw new EngineError('invalid_request', message, { param: 'messages', cause });
        }
    }
}

const markup = (text: string): PromptPart => ({ text, typed: false });
const typed = (text: string): PromptPart => ({ text, typed: true });

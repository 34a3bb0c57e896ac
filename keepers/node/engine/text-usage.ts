import type { EngineRequest, EngineUsage } from './engine';
import { isObject } from './request-body';

/** The model's own tokenizer, for engines that do not count. */
export interface TokenCounter {
    /** Undefined for a request of which the prompt is not text alone. */
    promptTokens(request: EngineRequest): number | undefined;
    textTokens(text: string): number;
    close(): Promise<void>;
}

/** What an answer uses, by its prompt and its text: the tokens that the tokenizer makes of each choice. */
export class TextUsage {
    private readonly texts = new Map<unknown, string>();
    /** Something was said that is not text of the answer, so its tokens cannot be known. */
    private uncountable = false;

    constructor(
        private readonly counter: TokenCounter,
        readonly promptTokens: number,
    ) {}

    /** Takes an answer, or a chunk of one. */
    add({ choices }: Record<string, unknown>): void {
        if (!Array.isArray(choices)) return;
        for (const choice of choices) {
            if (isObject(choice)) this.addChoice(choice);
        }
    }

    get value(): EngineUsage | undefined {
        if (this.uncountable) return undefined;
        const tokens = [...this.texts.values()].map((text) => (text === '' ? 0 : this.counter.textTokens(text)));
        const completionTokens = tokens.reduce((sum, each) => sum + each, 0);
        return { promptTokens: this.promptTokens, cachedPromptTokens: 0, completionTokens, reasoningTokens: 0 };
    }

    private addChoice(choice: Record<string, unknown>): void {
        const said = [choice.delta, choice.message, choice].find(isObject)!;
        const text = said.content ?? said.text ?? '';
        if (typeof text !== 'string' || otherwiseSaid.some((name) => isSaid(said[name]))) this.uncountable = true;
        else this.texts.set(choice.index, (this.texts.get(choice.index) ?? '') + text);
    }
}

const otherwiseSaid = ['tool_calls', 'function_call', 'reasoning', 'reasoning_content', 'refusal', 'audio'];

function isSaid(value: unknown): boolean {
    return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
}

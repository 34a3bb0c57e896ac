import type { LlamaModel, Token } from 'node-llama-cpp' with { 'resolution-mode': 'import' };

const REPLACEMENT = '\uFFFD';
/** A character has at most four bytes, and a token at least one of them. */
const MAX_TOKENS_OF_A_CHARACTER = 4;
/** Some vocabularies decide about a leading space by what came before. */
const LOOK_BACK = 8;

/** Turns tokens into text as they come; a character spelled by several tokens is given out when complete. */
export class TokenDecoder {
    private pending: Token[] = [];
    private recent: Token[];

    constructor(
        private readonly model: LlamaModel,
        promptTail: readonly Token[],
    ) {
        this.recent = promptTail.slice(-LOOK_BACK);
    }

    push(token: Token): string {
        this.pending.push(token);
        const text = this.decode();
        if (text.endsWith(REPLACEMENT) && this.pending.length < MAX_TOKENS_OF_A_CHARACTER) return '';
        return this.accept(text);
    }

    finish(): string {
        return this.accept(this.decode());
    }

    private decode(): string {
        return this.model.detokenize(this.pending, false, this.recent);
    }

    private accept(text: string): string {
        this.recent = [...this.recent, ...this.pending].slice(-LOOK_BACK);
        this.pending = [];
        return text;
    }
}

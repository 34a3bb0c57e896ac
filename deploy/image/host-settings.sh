# Sourced by init: what the host may decide. Everything else, the engine before all, stands in the measured /etc/cocoon/node.json:
# a host that could name another engine would have prompts sent wherever it likes.
take_host_settings() {
    while IFS='=' read -r name value; do
        case $name in
        COCOON__PROVIDER | COCOON__HUB | COCOON__DISPATCHER_URL | COCOON__CREDIT_LINE_NANO | COCOON__KEY_LIFE_SEC) ;;
        COCOON__PRICES__INPUT_NANO | COCOON__PRICES__CACHED_INPUT_NANO) ;;
        COCOON__PRICES__OUTPUT_NANO | COCOON__PRICES__REASONING_NANO) ;;
        *) continue ;;
        esac
        export "$name=$value"
    done <"$1"
}

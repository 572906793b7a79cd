declare const _default: {
    fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response>;
};
export default _default;

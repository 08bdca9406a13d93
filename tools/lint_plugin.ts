/**
 * The project's own rules for `deno lint`: what was remarked twice in reviews is a rule here.
 *
 * - no-default-export: a thing has one name, the one it was given where it is written.
 * - no-top-level-arrow: functions are `function` declarations; a constant with a declared function type
 *   (a handler of a library) may be an arrow.
 * - no-ts-private: `#name` is private at run time too.
 * - no-raw-listener: `events.on` guards its listeners; a throw in a raw one ends the process.
 */
const plugin: Deno.lint.Plugin = {
  name: "chibibooru",
  rules: {
    "no-default-export": {
      create(context) {
        // A lint plugin must be a default export itself.
        if (context.filename.endsWith("lint_plugin.ts")) return {};
        return {
          ExportDefaultDeclaration(node) {
            context.report({ node, message: "Export it by its name" });
          },
        };
      },
    },
    "no-top-level-arrow": {
      create(context) {
        const report = (declaration: Deno.lint.VariableDeclaration) => {
          for (const declarator of declaration.declarations) {
            const isUntyped = declarator.id.type === "Identifier" &&
              declarator.id.typeAnnotation === undefined;
            if (isUntyped && declarator.init?.type === "ArrowFunctionExpression") {
              context.report({ node: declarator, message: "Declare it as a function" });
            }
          }
        };
        return {
          Program(program) {
            for (const node of program.body) {
              if (node.type === "VariableDeclaration") report(node);
              if (
                node.type === "ExportNamedDeclaration" &&
                node.declaration?.type === "VariableDeclaration"
              ) report(node.declaration);
            }
          },
        };
      },
    },
    "no-ts-private": {
      create(context) {
        return {
          PropertyDefinition(node) {
            if (node.accessibility === "private") context.report({ node, message: "Use #name" });
          },
          MethodDefinition(node) {
            if (node.accessibility === "private" && node.kind !== "constructor") {
              context.report({ node, message: "Use #name" });
            }
          },
        };
      },
    },
    "no-raw-listener": {
      create(context) {
        return {
          'CallExpression[callee.property.name="addEventListener"]'(
            node: Deno.lint.CallExpression,
          ) {
            const { callee } = node;
            const text = callee.type === "MemberExpression"
              ? context.sourceCode.getText(callee.object)
              : "";
            if (/events$/i.test(text)) {
              context.report({ node, message: "Use on(): it guards the listener" });
            }
          },
        };
      },
    },
  },
};

export default plugin;

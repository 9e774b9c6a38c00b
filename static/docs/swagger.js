import { filledIn, key, onKey, setKey } from "./key.js";
import { refresh, tabs } from "./tabs.js";

const place = document.getElementById("swagger-ui");
const SCHEME = "ApiKey";

// An operation's `x-codeSamples` above its answers: Swagger UI itself shows none before a request.
function snippets({ React }) {
  function Snippets({ samples }) {
    const box = React.useRef(null);
    React.useEffect(
      () => tabs(box.current, samples.map(({ label, source }) => ({ name: label, source: () => filledIn(source) }))),
      [samples],
    );
    return React.createElement("div", { className: "snippets", ref: box });
  }

  const withSnippets = (Responses, system) => (props) => {
    const operation = system.specSelectors.specJson().getIn(["paths", props.path, props.method]);
    const samples = React.useMemo(() => operation?.get("x-codeSamples")?.toJS(), [operation]);
    return React.createElement(
      React.Fragment,
      null,
      samples && React.createElement(Snippets, { samples }),
      React.createElement(Responses, props),
    );
  };
  return { wrapComponents: { responses: withSnippets } };
}

// What is said in the Authorize box and in the field above are one key.
const oneKey = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (original) => (given) => {
          if (given[SCHEME]) setKey(given[SCHEME].value);
          return original(given);
        },
      },
    },
  },
});

const ui = SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  plugins: [snippets, oneKey],
  onComplete: () => key() && ui.preauthorizeApiKey(SCHEME, key()),
  // The session of a logged-in member of staff may write: Django wants its CSRF token back.
  requestInterceptor: (request) => {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    if (token) request.headers["X-CSRFToken"] = token[1];
    return request;
  },
});

onKey(() => {
  ui.preauthorizeApiKey(SCHEME, key());
  refresh();
});

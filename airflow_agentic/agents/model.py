"""A Messages API request body → the reply's body, through the Anthropic SDK's stable surface.

The client comes from Airflow's ``AnthropicHook``, so first-party, Bedrock, Vertex and Foundry all work; it is built at
the first request. A long reply is streamed, as the SDK demands, which also lets the time limit end it midway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow_agentic.errors import ModelUnavailable

STREAM_ABOVE_TOKENS = 4_096
"""A reply that may be longer takes minutes: streamed, a dead connection is noticed and a slow one can be ended."""
_BY_TYPE = {
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "authentication_error": "authentication",
    "permission_error": "authentication",
    "billing_error": "authentication",
}
_BY_STATUS = {
    401: "authentication",
    402: "authentication",
    403: "authentication",
    408: "timeout",
    429: "rate_limited",
    529: "overloaded",
}


class AnthropicModel:
    """The model behind an Anthropic client.

    :param client_factory: returns the client of Airflow's hook; called once, at the first request.
    :param name: the model's name, as the platform spells it.
    :param timeout_s: one attempt may wait that long for its first or next byte, and a streamed reply may take twice
        that in all.
    :param retries: further attempts of the SDK on 408, 409, 429 and 5xx; it waits at most 60 s for ``retry-after``.
    """

    def __init__(
        self, client_factory: Callable[[], Any], name: str, *, timeout_s: float = 90.0, retries: int = 2
    ) -> None:
        self.name = name
        self._client_factory = client_factory
        self._timeout_s = timeout_s
        self._retries = retries
        self._client: Any = None

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send *request* and return the reply, a refusal included.

        :raises ModelUnavailable: the SDK's retries are already spent.
        """
        import anthropic
        import httpx2

        if self._client is None:
            self._client = self._client_factory().with_options(timeout=self._timeout_s, max_retries=self._retries)
        try:
            message = self._streamed(request) if request["max_tokens"] > STREAM_ABOVE_TOKENS else self._whole(request)
        except anthropic.APITimeoutError as error:
            raise ModelUnavailable(self._said(f"no answer in {self._timeout_s:.0f} s"), reason="timeout") from error
        except anthropic.APIStatusError as error:
            raise ModelUnavailable(
                self._said(f"HTTP {error.status_code}, {_words(error)}"), reason=_reason(error)
            ) from error
        except httpx2.TimeoutException as error:
            raise ModelUnavailable(self._said("the reply stopped midway"), reason="timeout") from error
        except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
            raise ModelUnavailable(self._said(f"{type(error).__name__}: {error}"), reason="unreachable") from error
        except (anthropic.AnthropicError, AssertionError, ValueError) as error:
            # The SDK lets a reply that is no JSON fly as ValueError, and an empty stream as AssertionError.
            raise ModelUnavailable(
                self._said(f"not what the API promises: {error}"), reason="invalid_output"
            ) from error
        return _body(message, self._said)

    def close(self) -> None:
        """Close the connections, if any were opened; the next request opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _whole(self, request: Mapping[str, Any]) -> Any:
        return self._client.messages.create(**request)

    def _streamed(self, request: Mapping[str, Any]) -> Any:
        deadline = time.monotonic() + 2 * self._timeout_s
        with self._client.messages.stream(**request) as stream:
            for _ in stream:
                if time.monotonic() > deadline:
                    raise ModelUnavailable(self._said("the reply took too long and was ended"), reason="timeout")
            return stream.get_final_message()

    def _said(self, what: str) -> str:
        return f"Asking the model {self.name!r} failed: {what[:500]}. The rules agent goes on without it."


def _reason(error: Any) -> str:
    """Map by the body's type first: an error inside a stream comes with HTTP 200."""
    body = error.body if isinstance(error.body, dict) else {}
    kind = str((body.get("error") or {}).get("type") if isinstance(body.get("error"), dict) else body.get("type"))
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if error.status_code in _BY_STATUS:
        return _BY_STATUS[error.status_code]
    return "unreachable" if error.status_code >= 500 or error.status_code < 400 else "bad_request"


def _words(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error")
    return str(inner.get("message") if isinstance(inner, dict) else error.message)[:300]


def _body(message: Any, said: Callable[[str], str]) -> dict[str, Any]:
    """Return the wire form; what the SDK's stream helper adds is left out, because the API refuses it as input."""
    if not hasattr(message, "to_dict"):
        raise ModelUnavailable(said("the reply is no message"), reason="invalid_output")
    body: dict[str, Any] = message.to_dict(mode="json")
    content = body.get("content")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise ModelUnavailable(said("the reply has no content"), reason="invalid_output")
    extra = {"parsed_output", "parsed_input", "partial_json"}
    body["content"] = [{k: v for k, v in block.items() if k not in extra} for block in content]
    return body

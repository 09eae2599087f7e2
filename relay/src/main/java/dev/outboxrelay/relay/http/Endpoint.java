package dev.outboxrelay.relay.http;

/** Answers GET and HEAD of one path; called by several threads. */
@FunctionalInterface
interface Endpoint {
  /**
   * Answers.
   *
   * @param accept the request's Accept header, empty if it has none
   */
  Response get(String accept);
}

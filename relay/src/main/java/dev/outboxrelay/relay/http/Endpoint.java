package dev.outboxrelay.relay.http;

/** Answers GET and HEAD of one path; called by several threads. */
@FunctionalInterface
interface Endpoint {
  Response get(Request request);
}

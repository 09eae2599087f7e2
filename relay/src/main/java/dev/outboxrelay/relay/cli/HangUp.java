package dev.outboxrelay.relay.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** SIGHUP, which asks a daemon to read its configuration anew; a JVM would end by it. */
final class HangUp {
  private static final Logger LOG = LoggerFactory.getLogger(HangUp.class);

  private HangUp() {}

  /**
   * Runs this at each SIGHUP from now on, on a thread of the JVM. A process that was started to
   * ignore it, as by nohup, goes on ignoring it.
   */
  static void run(Runnable action) {
    try {
      // By name: javac warns of all in jdk.unsupported, and can't be told that this is meant.
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object runner =
          Proxy.newProxyInstance(
              HangUp.class.getClassLoader(),
              new Class<?>[] {handler},
              (proxy, method, arguments) -> {
                action.run();
                return null;
              });
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), runner);
    } catch (InvocationTargetException e) {
      // The JVM was told to leave signals alone (-Xrs), or the system has none of this name.
      LOG.atDebug().addKeyValue("error", e.getCause()).log("no reload by SIGHUP");
    } catch (ReflectiveOperationException e) {
      LOG.atDebug().addKeyValue("error", e).log("no reload by SIGHUP");
    }
  }
}

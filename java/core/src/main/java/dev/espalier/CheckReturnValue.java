// SPDX-License-Identifier: Apache-2.0
package dev.espalier;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * On a class whose methods change nothing but return what they made: a call whose result is dropped
 * is a mistake. Error Prone, IntelliJ IDEA and SpotBugs know the annotation by its name and warn.
 *
 * @since 0.1
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface CheckReturnValue {}

Feature: Scoring a stream of readings
  Readings come without end, one record a line, and each is answered with one line while others are still on
  their way. What is wrong with one line is told by its number, and the stream goes on.

  Background:
    Given version "v1" of model "default" was trained on healthy vehicles

  Scenario: Each reading gets its verdict, in order
    When I stream 2500 readings of all kinds
    Then there is one line per reading, in order
    And the lines are what each reading would have got alone

  Scenario Outline: I choose what is explained
    When I stream 300 readings of all kinds, explaining "<which>"
    Then <explained> are explained

    Examples:
      | which     | explained     |
      | always    | all           |
      | anomalies | the anomalies |
      | never     | none          |

  Scenario: A choice that there is not
    When I stream 3 readings of all kinds, explaining "sometimes"
    Then the stream is refused, naming "explain: expected anomalies, always or never"

  Scenario: Verdicts come while readings are still to be sent
    When I stream a reading of a healthy vehicle and wait
    Then its verdict is there before I send the next one

  Scenario: A bad line does not end the stream
    When I stream a good line, a line that is cut off, and another good line
    Then the second line is told to be wrong by its number
    And the other two have verdicts

  Scenario: One version answers the whole stream
    When I stream a reading, train version "v2", and stream another reading
    Then both verdicts are by version "v1" of model "default"

Feature: Requests by queue
  A producer puts requests into a queue, which delivers each of them at least once, and takes the results from
  another. Nothing is lost, whatever is sent and whenever a worker stops.

  Background:
    Given version "v1" of model "default" was trained on healthy vehicles

  Scenario: A batch that is delivered twice is learnt from once
    Given a queue that delivers some requests twice
    When I send 5 batches to learn from
    Then one of them is answered twice, in the same words
    And model "default" has 6 versions

  Scenario: What is refused is answered, and is gone
    When I send a reading to score with model "trucks"
    Then it is refused as "unknown-model", naming "trucks"
    And no request is left
    And there is no dead letter

  Scenario Outline: What is no request is kept for a person to look at
    When I send <what>
    And I send a reading of a healthy vehicle
    Then that reading is scored
    And the dead-letter queue holds <what>, untouched

    Examples:
      | what                              |
      | a text that is no JSON            |
      | a request of a kind unknown to us |
      | a reading with NaN                |
      | a batch without its end           |

  Scenario: The readings of a vehicle are answered in their order
    Given a queue that keeps the order of each vehicle
    When I send 8 readings of each of 3 vehicles, by turns
    Then the results of each vehicle come in the order of its readings

  Scenario: A worker that is told to stop loses nothing
    When I send 40 readings of healthy vehicles
    And the worker is told to stop when the first of them is answered
    Then the worker ends by itself
    And what it has not answered is answered by the next one

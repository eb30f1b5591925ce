Feature: Verdicts that a workshop can act on
  A verdict says which sensor is at fault and what was to be expected of it, how many healthy readings look
  worse, and what made the score what it is.

  Background:
    Given version "v1" of model "default" was trained with guards on healthy vehicles

  Scenario: A healthy vehicle
    When I score a reading of a healthy vehicle
    Then there is no reason to call it an anomaly
    And more than 10 % of healthy readings score lower
    And it is not explained

  Scenario: A sensor contradicts the others
    When I score a reading with "engine_speed_rpm" 1100, "vehicle_speed_kmh" 65 and "coolant_temperature_celsius" 88
    Then it is an anomaly, because "engine_speed_rpm" and "vehicle_speed_kmh" contradict each other
    And the reason says what was read and what was to be expected
    And it says how many times the usual difference that is

  Scenario: A sensor reads what training never saw
    When I score a reading with "engine_speed_rpm" 2230, "vehicle_speed_kmh" 65 and "coolant_temperature_celsius" 141
    Then it is an anomaly, because "coolant_temperature_celsius" is "out_of_range"
    And the reason says what was read and what was to be expected

  Scenario: A sensor that always gave a value gives none
    When I score a reading by name without "coolant_temperature_celsius"
    Then it is an anomaly, because "coolant_temperature_celsius" is "missing"
    And the explanation has nothing observed of "coolant_temperature_celsius", and expects what is usual

  Scenario: Sensors fail one at a time, and then all of them do
    Given version "v2" of model "default" was trained with guards on vehicles whose sensors fail now and then
    When I score a reading by name without "coolant_temperature_celsius"
    Then there is no reason to call it an anomaly
    When I score a reading in which no sensor has a value
    Then it is an anomaly, because no sensor has a value

  Scenario: All of it is far from anything that was learnt
    When I score a reading with "engine_speed_rpm" 9000, "vehicle_speed_kmh" 3 and "coolant_temperature_celsius" 131
    Then it is an anomaly for the forest, too
    And fewer than 1 % of healthy readings score lower

  Scenario: An anomaly is explained
    When I score a reading with "engine_speed_rpm" 9000, "vehicle_speed_kmh" 3 and "coolant_temperature_celsius" 131
    Then the explanation says what each sensor contributed, the largest first
    And the contributions add up to the score

  Scenario: What the others lead one to expect is told of every sensor
    When I score a reading with "engine_speed_rpm" 1100, "vehicle_speed_kmh" 65 and "coolant_temperature_celsius" 88
    Then the explanation says what was to be expected of each sensor, and how far it is from that
    And of a sensor that is a reason, it says what the reason says

  Scenario Outline: I choose what is explained
    When I score 40 readings of all kinds at once, explaining "<which>"
    Then <explained> are explained
    And one of them scored alone, explaining "<which>", gets the same verdict

    Examples:
      | which     | explained     |
      | always    | all           |
      | anomalies | the anomalies |
      | never     | none          |

  Scenario: A choice that there is not
    When I score a reading of a healthy vehicle, explaining "sometimes"
    Then it is refused as "malformed-message", naming "explain: expected anomalies, always or never"

  Scenario: A percentile means the same by another version
    Given version "v2" was trained with guards on healthy vehicles, as a larger forest
    When I score 200 readings of healthy vehicles by "v1" and by "v2"
    Then their scores differ
    And the shares of healthy readings that score lower are about the same

  Scenario: Sensors that tell nothing of each other
    Given version "v2" of model "default" was trained with guards on unrelated sensors
    When I score 2000 new readings of such sensors at once
    Then no more than 2 % of them are anomalies

  Scenario: A version from before there were guards
    Given version "v0" of model "default" was stored before there were guards
    When I score 60 readings of all kinds at once by version "v0"
    Then the forest alone has judged
    And no share of healthy readings is told
    And anomalies are explained
    And version "v0" of model "default" says that it has neither guards nor percentiles

  @guards_off
  Scenario: Guards are off
    When I score 60 readings of all kinds at once by version "v1"
    Then the forest alone has judged

  Scenario: A model has its own rate of false alarms
    When I train version "v3" on 600 readings of healthy vehicles for a false-alarm rate of 0.05
    Then version "v3" of model "default" says that its false-alarm rate is 0.05
    And it says that it knows how healthy readings score

  Scenario Outline: Rates that no model can be trained for
    When I train version "v3" on 600 readings of healthy vehicles for a false-alarm rate of <rate>
    Then it is refused as "invalid-false-alarm-rate", naming "false_alarm_rate: <rate> is not a false-alarm rate: expected 0.0001 to 0.5"
    And model "default" has 1 version

    Examples:
      | rate |
      | 0.0  |
      | 0.6  |

  @guards_off
  Scenario: A rate of false alarms where guards are off
    When I train version "v3" on 600 readings of healthy vehicles for a false-alarm rate of 0.05
    Then it is refused as "invalid-false-alarm-rate", naming "GUARDS=off"
    And model "default" has 1 version
